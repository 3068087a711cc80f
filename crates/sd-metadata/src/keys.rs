//! The order of settings in AUTOMATIC1111's texts.

/// All settings that can be ordered: first the web UI's own, then those of its parts and extensions, in the order in which they
/// are added while an image is drawn.
#[rustfmt::skip]
const ORDER: &[&str] = &[
    "Steps", "Sampler", "Schedule type", "CFG scale", "Image CFG scale", "Seed", "Face restoration", "Size", "Model hash", "Model",
    "VAE hash", "VAE", "Variation seed", "Variation seed strength", "Seed resize from", "Denoising strength",
    "Conditional mask weight", "Clip skip", "ENSD", "Token merging ratio", "Token merging ratio hr", "Init image hash", "RNG",
    "Tiling",
    "ControlNet",
    "Hires checkpoint", "Hires sampler", "Hires schedule type", "Hires prompt", "Hires negative prompt", "Hires CFG Scale",
    "Hires upscale", "Hires resize", "Hires steps", "Hires upscaler",
    "Mask mode", "Mask blur", "Inpaint area", "Masked area padding", "Masked content", "Noise multiplier",
    "Lora hashes", "TI hashes", "Emphasis",
    "Eta DDIM", "Eta", "Sigma churn", "Sigma tmin", "Sigma tmax", "Sigma noise",
    "Hires refiner", "Refiner", "Refiner switch at",
    OTHERS,
    "Hashes", "Version", "User",
];

/// The place of all other settings.
const OTHERS: &str = "";

/// The place of a setting: its index, and the number of a `ControlNet 0`.
pub fn rank(key: &str) -> (usize, u64) {
    let number = key.strip_prefix("ControlNet ").and_then(|number| number.parse().ok());
    let name = if number.is_some() { "ControlNet" } else { key };
    let place = |name: &str| ORDER.iter().position(|key| *key == name);
    let place = place(name).or_else(|| place(OTHERS)).unwrap_or(ORDER.len());
    (place, number.unwrap_or(0))
}
