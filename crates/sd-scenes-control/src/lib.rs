#![doc = include_str!("../README.md")]
//!
//! The files are read in place, from the memory of the program, without a temporary folder.

macro_rules! files {
    ($($name:literal,)+) => {
        &[$(($name, include_bytes!(concat!("../edges/", $name)))),+]
    };
}

/// The names and contents of the files of a ControlNet in the diffusers layout.
pub static FILES: &[(&str, &[u8])] = files!["config.json", "diffusion_pytorch_model.safetensors",];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_at_most_4_megabytes() {
        let bytes: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes <= 4_000_000, "{bytes}");
    }
}
