//! A small trained model of landscapes, as a part of the program: see `docs/scenes-model.md`.
//!
//! ```
//! let folder = sd_scenes_model::unpack()?;
//! assert!(folder.path().join("model_index.json").is_file()); // what `sd_pipeline::Model::open` takes
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs;
use std::io::Result;

use tempfile::TempDir;

/// Sampling steps that its pictures need.
pub const STEPS: usize = 25;

/// How closely they should follow the prompt.
pub const GUIDANCE: f64 = 3.0;

macro_rules! files {
    ($($name:literal,)+) => {
        &[$(($name, include_bytes!(concat!("../model/", $name)))),+]
    };
}

/// The files of a model folder in the diffusers layout, and what is in them.
pub const FILES: &[(&str, &[u8])] = files![
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

/// Writes the model to a folder among the system's temporary ones, which is removed when it is dropped.
///
/// # Errors
///
/// What the system says where there is no place for 16 MB.
pub fn unpack() -> Result<TempDir> {
    let folder = TempDir::with_prefix("sd-scenes-")?;
    for (name, bytes) in FILES {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().expect("it is in the folder"))?;
        fs::write(file, bytes)?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_at_most_16_megabytes() {
        let bytes: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes <= 16_000_000, "{bytes}");
    }

    #[test]
    fn what_is_unpacked_is_gone_with_its_folder() {
        let folder = unpack().unwrap();
        let path = folder.path().to_path_buf();
        assert_eq!(fs::read(path.join(FILES[0].0)).unwrap(), FILES[0].1);
        drop(folder);
        assert!(!path.exists());
    }
}
