//! A small trained model of landscapes, as a part of the program: see `docs/scenes-model.md`.
//!
//! Its files are read where they lie in the program, which needs no temporary folder:
//!
//! ```
//! // What `sd_pipeline::Model::built_in` takes.
//! assert_eq!(sd_scenes_model::FILES[0].0, "model_index.json");
//! ```

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_at_most_16_megabytes() {
        let bytes: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes <= 16_000_000, "{bytes}");
    }
}
