//! The field `infotext`: settings as an image has them, for all fields that are not sent.

use sd_metadata::Parameters;
use serde_json::{Map, Value, json};

use super::SdapiError;
use super::fields::Fields;

/// Settings that are fields under another name.
const FIELDS: [(&str, &str); 14] = [
    ("Steps", "steps"),
    ("Sampler", "sampler_name"),
    ("Schedule type", "scheduler"),
    ("CFG scale", "cfg_scale"),
    ("Seed", "seed"),
    ("Variation seed", "subseed"),
    ("Variation seed strength", "subseed_strength"),
    ("Denoising strength", "denoising_strength"),
    ("Hires upscale", "hr_scale"),
    ("Hires steps", "hr_second_pass_steps"),
    ("Hires upscaler", "hr_upscaler"),
    ("Refiner", "refiner_checkpoint"),
    ("Refiner switch at", "refiner_switch_at"),
    ("Image CFG scale", "image_cfg_scale"),
];

/// Settings that are two fields.
const SIZES: [(&str, [&str; 2]); 2] = [("Size", ["width", "height"]), ("Hires resize", ["hr_resize_x", "hr_resize_y"])];

/// Fills in the fields that are not sent.
///
/// # Errors
///
/// If the field is no text.
pub(super) fn fill(body: &mut Map<String, Value>) -> Result<(), SdapiError> {
    let Some(text) = Fields::of_body(body).filled_text("infotext")? else { return Ok(()) };
    let read = Parameters::parse(text);
    let fill = |fields: &mut Map<String, Value>, name: &str, value: Value| {
        if fields.get(name).is_none_or(Value::is_null) {
            fields.insert(name.into(), value);
        }
    };
    let mut overrides = match body.remove("override_settings") {
        Some(Value::Object(overrides)) => overrides,
        // Whoever reads the field finds that it is wrong.
        Some(Value::Null) | None => Map::new(),
        Some(wrong) => {
            body.insert("override_settings".into(), wrong);
            return Ok(());
        }
    };
    if let Some(layer) = read.get("Clip skip") {
        fill(&mut overrides, "CLIP_stop_at_last_layers", json!(layer));
    }
    match (read.get("Model"), read.get("Model hash")) {
        (Some(model), Some(hash)) => fill(&mut overrides, "sd_model_checkpoint", json!(format!("{model} [{hash}]"))),
        (Some(name), None) | (None, Some(name)) => fill(&mut overrides, "sd_model_checkpoint", json!(name)),
        (None, None) => {}
    }
    body.insert("override_settings".into(), Value::Object(overrides));
    fill(body, "prompt", json!(read.prompt));
    fill(body, "negative_prompt", json!(read.negative_prompt));
    for (setting, field) in FIELDS {
        if let Some(value) = read.get(setting) {
            fill(body, field, json!(value));
        }
    }
    for (setting, fields) in SIZES {
        if let Some((width, height)) = read.get(setting).and_then(|size| size.split_once('x')) {
            fill(body, fields[0], json!(width));
            fill(body, fields[1], json!(height));
        }
    }
    if ["Hires upscale", "Hires resize"].iter().any(|setting| read.get(setting).is_some()) {
        fill(body, "enable_hr", json!(true));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_are_not_sent_are_those_of_the_text() {
        let text = "a lighthouse\nNegative prompt: rain\nSteps: 20, Sampler: Euler a, Seed: 7, Size: 64x96, Model hash: 0123456789, \
                    Model: anime, Clip skip: 2, Hires upscale: 1.5";
        let mut body = Map::new();
        body.insert("infotext".into(), json!(text));
        body.insert("seed".into(), json!(8));
        body.insert("prompt".into(), Value::Null);
        fill(&mut body).unwrap();
        let found = |name: &str| body[name].clone();
        assert_eq!(["prompt", "negative_prompt"].map(found), ["a lighthouse", "rain"]);
        assert_eq!(
            ["steps", "sampler_name", "width", "height", "hr_scale"].map(found),
            ["20", "Euler a", "64", "96", "1.5"]
        );
        assert_eq!((&body["seed"], &body["enable_hr"]), (&json!(8), &json!(true)));
        let overrides = json!({"CLIP_stop_at_last_layers": "2", "sd_model_checkpoint": "anime [0123456789]"});
        assert_eq!(body["override_settings"], overrides);
    }
}
