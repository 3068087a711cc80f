#![doc = include_str!("../README.md")]
//!
//! The files are read in place, from the memory of the program, without a temporary folder.

/// Sampling steps for its images.
pub const STEPS: usize = 25;

/// Guidance scale for its images.
pub const GUIDANCE: f64 = 3.0;

macro_rules! files {
    ($($name:literal,)+) => {
        &[$(($name, include_bytes!(concat!("../model/", $name)))),+]
    };
}

/// The names and contents of the files of a model folder in the diffusers layout.
///
/// A constant would be in the program once for each use.
pub static FILES: &[(&str, &[u8])] = files![
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_at_most_16_megabytes() {
        let bytes: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes <= 16_000_000, "{bytes}");
    }
}
