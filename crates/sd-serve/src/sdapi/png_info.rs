//! `png-info`: how an image was drawn.

use axum::Json;
use sd_image::Texts;
use sd_metadata::Parameters;
use serde_json::{Map, Value, json};

use super::SdapiError;
use super::fields::Fields;
use crate::blocking::blocking;
use crate::body::{JsonBody, base64_bytes};

/// Reads the texts in an image.
pub(super) async fn read(JsonBody(body): JsonBody<Map<String, Value>>) -> Result<Json<Value>, SdapiError> {
    blocking(move || {
        let Some(text) = Fields::of_body(&body).filled_text("image")? else {
            return Err(SdapiError::unprocessable("image: an image in base64 is needed"));
        };
        let bytes = base64_bytes(text)?;
        Ok(Json(of(&Texts::read(&bytes))))
    })
    .await?
}

fn of(texts: &Texts) -> Value {
    let info = texts.get("parameters").unwrap_or_default();
    let items: Map<String, Value> = texts
        .iter()
        .filter(|(name, _)| *name != "parameters")
        .map(|(name, text)| (name.to_owned(), json!(text)))
        .collect();
    json!({ "info": info, "items": items, "parameters": parameters(info) })
}

/// The settings of a text by name. A size is two numbers, as there.
fn parameters(info: &str) -> Map<String, Value> {
    let mut found = Map::new();
    if info.is_empty() {
        return found;
    }
    let parsed = Parameters::parse(info);
    found.insert("Prompt".into(), json!(parsed.prompt));
    found.insert("Negative prompt".into(), json!(parsed.negative_prompt));
    for (name, value) in parsed.fields {
        match value.split_once('x').filter(|(a, b)| [a, b].iter().all(|side| side.parse::<u32>().is_ok())) {
            Some((width, height)) => {
                found.insert(format!("{name}-1"), json!(width));
                found.insert(format!("{name}-2"), json!(height));
            }
            None => {
                found.insert(name, json!(value));
            }
        }
    }
    found.entry("Clip skip").or_insert_with(|| json!("1"));
    found
}
