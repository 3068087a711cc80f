//! What requests may name: models and other files.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use sd_engine::{Entry, Kind, Library};
use sd_pipeline::TextualInversion;
use serde_json::{Map, Value, json};

use super::SdapiError;
use super::names::LATENT_UPSCALERS;
use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::state::App;

type Answer = Result<Json<Value>, SdapiError>;

/// Models. Those that were never loaded have no hash yet: reading all of them would take minutes.
pub(super) async fn models(State(app): State<App>) -> Answer {
    entries(app, Kind::Model, |library, entry| {
        let hash = library.known_hash(entry);
        json!({
            "title": title(entry, hash.as_deref()),
            "model_name": entry.name,
            "hash": hash.as_deref().map(short),
            "sha256": hash,
            "filename": entry.file_name(),
            "config": null,
        })
    })
    .await
}

/// Autoencoders.
pub(super) async fn vaes(State(app): State<App>) -> Answer {
    entries(app, Kind::Vae, |_, entry| json!({ "model_name": entry.file_name(), "filename": entry.file_name() })).await
}

/// LoRAs.
pub(super) async fn loras(State(app): State<App>) -> Answer {
    let lora = |_: &Library, entry: &Entry| json!({ "name": entry.name, "alias": entry.name, "path": entry.file_name(), "metadata": {} });
    entries(app, Kind::Lora, lora).await
}

/// Textual inversions: those that can be read, and the others.
pub(super) async fn embeddings(State(app): State<App>) -> Answer {
    let found = listed(app, Kind::Embedding).await?;
    let (mut loaded, mut skipped) = (Map::new(), Map::new());
    let sort = move || {
        for entry in found {
            let size = entry.path.as_deref().and_then(vectors);
            let [vectors, shape] = size.unwrap_or_default();
            let item = json!({
                "step": null, "sd_checkpoint": null, "sd_checkpoint_name": null, "shape": shape, "vectors": vectors,
            });
            if size.is_some() { &mut loaded } else { &mut skipped }.insert(entry.name, item);
        }
        Json(json!({ "loaded": loaded, "skipped": skipped }))
    };
    Ok(blocking(sort).await?)
}

/// How many vectors a textual inversion has for the first text encoder, and how wide they are.
fn vectors(path: &Path) -> Option<[usize; 2]> {
    let inversion = TextualInversion::open(path).ok()?;
    let (values, width) = inversion.vectors.first()?;
    Some([values.len() / (*width).max(1), *width])
}

/// Ways to enlarge an image.
pub(super) async fn upscalers(State(app): State<App>) -> Answer {
    let found = listed(app, Kind::Upscaler).await?;
    let plain = ["None", "Lanczos", "Nearest"].map(|name| upscaler(name, None));
    let networks = found.iter().map(|entry| upscaler(&entry.name, Some(&entry.file_name())));
    Ok(Json(plain.into_iter().chain(networks).collect()))
}

fn upscaler(name: &str, file: Option<&str>) -> Value {
    json!({ "name": name, "model_name": file.map(|_| name), "model_path": file, "model_url": null, "scale": 4 })
}

/// Ways to enlarge latents.
pub(super) async fn latent_upscalers() -> Json<Value> {
    Json(LATENT_UPSCALERS.iter().map(|(name, _)| json!({ "name": name })).collect())
}

/// The scripts of both requests. By the second one, a client in Python knows that there is ControlNet.
pub(super) async fn scripts() -> Json<Value> {
    let names = ["controlnet", "controlnet m2m"];
    Json(json!({ "txt2img": names, "img2img": names }))
}

/// What these scripts take.
pub(super) async fn script_info() -> Json<Value> {
    let info = |is_img2img| json!({ "name": "controlnet", "is_alwayson": true, "is_img2img": is_img2img, "args": [] });
    Json(json!([info(false), info(true)]))
}

/// A list of things that this server does not have.
pub(super) async fn nothing() -> Json<Value> {
    Json(json!([]))
}

/// How clients show a model and name it in requests: `name.safetensors [0123456789]`.
pub(super) fn title(entry: &Entry, hash: Option<&str>) -> String {
    match hash {
        Some(hash) => format!("{} [{}]", entry.file_name(), short(hash)),
        None => entry.file_name(),
    }
}

/// The hash that titles have.
pub(super) fn short(hash: &str) -> &str {
    hash.get(..10).unwrap_or(hash)
}

/// What there is of a kind.
pub(super) async fn listed(app: App, kind: Kind) -> Result<Vec<Entry>, SdapiError> {
    let found = blocking(move || app.library.list(kind)).await?;
    found.map_err(|error| ApiError::internal(error.to_string()).into())
}

async fn entries(app: App, kind: Kind, item: impl Fn(&Library, &Entry) -> Value + Send + 'static) -> Answer {
    let library = app.library.clone();
    let found = listed(app, kind).await?;
    Ok(Json(blocking(move || found.iter().map(|entry| item(&library, entry)).collect()).await?))
}
