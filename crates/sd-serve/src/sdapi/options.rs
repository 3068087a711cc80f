//! `options`, and what else says how the server is set up.

use axum::extract::State;
use axum::{Extension, Json};
use sd_engine::Kind;
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::lists::title;
use super::settings::{self, Settings};
use super::{SdapiError, process};
use crate::blocking::blocking;
use crate::body::JsonBody;
use crate::state::App;

/// All options, with the model that is drawn with.
pub(super) async fn read(State(app): State<App>, settings: Extension<Settings>) -> Result<Json<Value>, SdapiError> {
    let all = move || {
        let mut all = settings.all();
        let model = match all.get("sd_model_checkpoint").and_then(Value::as_str) {
            Some(name) => app.library.find(Kind::Model, name).ok(),
            None => app.library.default_model(),
        };
        if let Some(entry) = model {
            let hash = app.library.known_hash(&entry);
            all.insert("sd_model_checkpoint".into(), title(&entry, hash.as_deref()).into());
            all.insert("sd_checkpoint_hash".into(), hash.into());
        }
        Json(Value::Object(all))
    };
    Ok(blocking(all).await?)
}

/// Writes options. A model or an autoencoder must be there.
pub(super) async fn write(
    State(app): State<App>,
    settings: Extension<Settings>,
    JsonBody(options): JsonBody<Map<String, Value>>,
) -> Result<Json<Value>, SdapiError> {
    let written = move || {
        let fields = Fields::of_body(&options);
        if let Some(model) = fields.filled_text("sd_model_checkpoint")? {
            app.library
                .find(Kind::Model, model)
                .map_err(|error| fields.wrong("sd_model_checkpoint", error.to_string()))?;
        }
        if let Some(vae) = settings::chosen(&options)?.vae {
            app.library.find(Kind::Vae, &vae).map_err(|error| fields.wrong("sd_vae", error.to_string()))?;
        }
        settings.write(&options)?;
        Ok(Json(Value::Null))
    };
    blocking(written).await?
}

/// What the server was started with, as far as clients ask.
pub(super) async fn flags(State(app): State<App>) -> Json<Value> {
    Json(json!({ "api": true, "nowebui": false, "listen": !app.options.loopback, "no_half": false, "use_cpu": [] }))
}

/// Memory in bytes.
pub(super) async fn memory() -> Result<Json<Value>, SdapiError> {
    let ram = match blocking(process::memory).await? {
        Some([used, total]) => json!({ "free": total.saturating_sub(used), "used": used, "total": total }),
        None => json!({ "error": "this system does not say" }),
    };
    Ok(Json(json!({ "ram": ram, "cuda": { "error": "unavailable" } })))
}
