//! The interface of the ControlNet extension.

use axum::Json;
use axum::extract::State;
use sd_engine::Kind;
use sd_image::Filter;
use sd_pipeline::{Image, Preprocessor};
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::lists::listed;
use super::request::{MAX_UNITS, preprocessor};
use super::{SdapiError, picture};
use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::body::JsonBody;
use crate::options::Limits;
use crate::state::App;

/// The version of the interface.
pub(super) async fn version() -> Json<Value> {
    Json(json!({ "version": 2 }))
}

/// The networks that units may name.
pub(super) async fn models(State(app): State<App>) -> Result<Json<Value>, SdapiError> {
    Ok(Json(json!({ "model_list": networks(app).await? })))
}

/// Preprocessors and networks by what they are for. All are of one type: names say little.
pub(super) async fn types(State(app): State<App>) -> Result<Json<Value>, SdapiError> {
    let all = json!({
        "module_list": names(),
        "model_list": networks(app).await?,
        "default_option": "none",
        "default_model": "None",
    });
    Ok(Json(json!({ "control_types": { "All": all } })))
}

async fn networks(app: App) -> Result<Vec<String>, SdapiError> {
    Ok(listed(app, Kind::Control).await?.into_iter().map(|entry| entry.name).collect())
}

fn names() -> [&'static str; Preprocessor::ALL.len()] {
    Preprocessor::ALL.map(|entry| entry.name)
}

/// The preprocessors, with their sliders.
pub(super) async fn modules() -> Json<Value> {
    let detail: Map<String, Value> = Preprocessor::ALL
        .iter()
        .map(|entry| {
            (entry.name.to_owned(), json!({ "model_free": false, "sliders": sliders(entry.default, entry.numbers) }))
        })
        .collect();
    Json(json!({ "module_list": names(), "module_detail": detail }))
}

/// The numbers of a preprocessor, in the order of a unit's thresholds.
fn sliders(default: Preprocessor, names: &[&str]) -> Vec<Value> {
    let (values, [min, max, step]) = match default {
        Preprocessor::Canny { low, high } => (vec![f64::from(low), f64::from(high)], [0.0, 255.0, 1.0]),
        Preprocessor::Scribble { threshold } => (vec![f64::from(threshold)], [0.0, 255.0, 1.0]),
        Preprocessor::Threshold { level } => (vec![f64::from(level)], [0.0, 255.0, 1.0]),
        Preprocessor::Blur { sigma } => (vec![sigma], [0.01, 64.0, 0.01]),
        Preprocessor::Tile { factor } => (vec![factor], [1.0, 64.0, 0.01]),
        Preprocessor::Luminance { gamma } | Preprocessor::Intensity { gamma } => (vec![gamma], [0.01, 10.0, 0.01]),
        _ => return Vec::new(),
    };
    let named = names.iter().zip(values);
    named.map(|(name, value)| json!({ "name": name, "value": value, "min": min, "max": max, "step": step })).collect()
}

/// How many units a request may have.
pub(super) async fn settings() -> Json<Value> {
    Json(json!({ "control_net_unit_count": MAX_UNITS }))
}

/// Shows what a preprocessor makes of images.
pub(super) async fn detect(
    State(app): State<App>,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Json<Value>, SdapiError> {
    blocking(move || {
        let fields = Fields::of_body(&body);
        let module = fields.filled_text("controlnet_module")?.unwrap_or("none");
        let [a, b] = ["controlnet_threshold_a", "controlnet_threshold_b"].map(|name| fields.number(name));
        let preprocessor = preprocessor(module, a?, b?).map_err(|reason| fields.wrong("controlnet_module", reason))?;
        let resolution = fields.integer_in("controlnet_processor_res", -1, 1 << 14)?.filter(|pixels| *pixels > 0);
        // One client has another name for them.
        let names = ["controlnet_input_images", "controlnet_images"];
        let lists = names.map(|name| fields.list(name));
        let mut images = Vec::new();
        for (name, list) in names.into_iter().zip(lists) {
            for image in list?.unwrap_or_default() {
                let text = image.as_str().ok_or_else(|| fields.wrong(name, "expected images in base64"))?;
                let image = sized(picture::image(text)?, resolution, &app.options.limits)?;
                images.push(picture::png_base64(&preprocessor.apply(&image), &[])?);
            }
        }
        if images.is_empty() {
            return Err(SdapiError::unprocessable("No image selected"));
        }
        Ok(Json(json!({ "images": images, "info": "Success" })))
    })
    .await?
}

/// Brings the shorter side of an image to a number of pixels.
fn sized(image: Image, resolution: Option<i64>, limits: &Limits) -> Result<Image, SdapiError> {
    let Some(resolution) = resolution else { return Ok(image) };
    let factor = resolution as f64 / image.width.min(image.height) as f64;
    let side = |pixels: usize| ((pixels as f64 * factor).round() as usize).max(1);
    let (width, height) = (side(image.width), side(image.height));
    if width.saturating_mul(height) > limits.pixels {
        let reason = format!("controlnet_processor_res: {width}×{height} is more than {} pixels", limits.pixels);
        return Err(ApiError::too_large(reason).into());
    }
    Ok(if (width, height) == (image.width, image.height) {
        image
    } else {
        image.resize(width, height, Filter::Lanczos)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_preprocessor_has_a_slider_whose_ends_it_accepts() {
        for entry in Preprocessor::ALL {
            let sliders = sliders(entry.default, entry.numbers);
            assert_eq!(sliders.len(), entry.numbers.len(), "{}", entry.name);
            for end in ["min", "value", "max"] {
                let [a, b] = [0, 1].map(|i| sliders.get(i).map(|slider| slider[end].as_f64().unwrap()));
                let found = preprocessor(entry.name, a, b).unwrap();
                let numbers: Vec<String> = [a, b].iter().flatten().map(|number| format!(":{number}")).collect();
                assert_eq!(found.to_string(), format!("{}{}", entry.name, numbers.concat()));
            }
        }
    }
}
