//! The names that AUTOMATIC1111 and its ControlNet extension have for things.

use sd_image::Fit;
use sd_pipeline::ControlMode;
use serde_json::Value;

/// ControlNet's modes, in the order of their numbers.
pub(super) const CONTROL_MODES: [(&str, ControlMode); 3] = [
    ("Balanced", ControlMode::Balanced),
    ("My prompt is more important", ControlMode::Prompt),
    ("ControlNet is more important", ControlMode::Control),
];

/// Upscalers of the second drawing that enlarge latents, with their names here.
pub(super) const LATENT_UPSCALERS: [(&str, &str); 2] =
    [("Latent", "latent"), ("Latent (antialiased)", "latent-antialiased")];

/// Reads a control mode: its name or its number.
pub(super) fn control_mode(value: &Value) -> Option<ControlMode> {
    let named = |name: &str| CONTROL_MODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    match value {
        Value::String(name) => named(name).map(|(_, mode)| *mode),
        number => CONTROL_MODES.get(number.as_u64()? as usize).map(|(_, mode)| *mode),
    }
}

/// Reads how a ControlNet unit's image gets another size: a name, one of its older names, or a number.
pub(super) fn fit(value: &Value) -> Option<Fit> {
    match value {
        Value::String(name) => match name.as_str() {
            "Just Resize" => Some(Fit::Stretch),
            "Crop and Resize" | "Inner Fit (Scale to Fit)" | "Scale to Fit (Inner Fit)" => Some(Fit::Crop),
            "Resize and Fill" | "Outer Fit (Shrink to Fit)" | "Envelope (Outer Fit)" => Some(Fit::Pad),
            _ => None,
        },
        number => match number.as_u64()? {
            0 => Some(Fit::Stretch),
            1 => Some(Fit::Crop),
            2 => Some(Fit::Pad),
            _ => None,
        },
    }
}

/// Returns the engine's name of an upscaler between two drawings.
///
/// # Errors
///
/// A line about ways that interpolate latents otherwise.
pub(super) fn hires_upscaler(name: &str) -> Result<String, String> {
    if let Some((_, ours)) = LATENT_UPSCALERS.iter().find(|(known, _)| *known == name) {
        return Ok((*ours).into());
    }
    match name {
        "None" | "Lanczos" => Ok("lanczos".into()),
        latent if latent.starts_with("Latent") => {
            Err(format!("{latent:?} is not there: expected Latent, Latent (antialiased), Lanczos, or a network's name"))
        }
        network => Ok(network.into()),
    }
}
