use std::time::UNIX_EPOCH;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sd_engine::{Entry, Kind, Library};
use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::path::Path;
use crate::state::App;

pub async fn list(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let models = blocking(move || app.library.list(Kind::Model)).await?;
    let models = models.map_err(|error| ApiError::internal(error.to_string()))?;
    let data: Vec<Value> = models.iter().map(described).collect();
    Ok(Json(json!({ "object": "list", "data": data })))
}

pub async fn one(State(app): State<App>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    let found = blocking(move || find(&app.library, &name)).await??;
    Ok(Json(described(&found)))
}

/// The model with a name, or with a hash.
pub fn find(library: &Library, name: &str) -> Result<Entry, ApiError> {
    let shown: String = name.chars().take(80).collect();
    let message = format!("`model` {shown:?} is not there: GET /v1/models lists what is");
    let unknown = ApiError::new(StatusCode::NOT_FOUND, "model_not_found", message).of_field("model");
    // The library's own message names folders, which are not the client's business.
    library.find(Kind::Model, name).map_err(|_| unknown)
}

/// A model as OpenAI's types have it. Its age is that of its file; of the built-in one it is not known.
fn described(entry: &Entry) -> Value {
    let changed = entry.path.as_ref().and_then(|path| path.metadata().ok()?.modified().ok());
    let created = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |age| age.as_secs());
    json!({ "id": entry.name, "object": "model", "created": created, "owned_by": "sd-burn" })
}

#[cfg(test)]
mod tests {
    use sd_engine::LibraryFolders;

    use super::*;

    #[test]
    fn models_have_the_four_fields_of_openais_type_and_are_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sdxl")).unwrap();
        for file in ["house.safetensors", "sdxl/boat.safetensors"] {
            std::fs::write(folder.path().join(file), "weights").unwrap();
        }
        let folders = LibraryFolders { models: Some(folder.path().into()), ..LibraryFolders::default() };
        let library = Library::new(folders).unwrap();
        for name in ["house", "boat"] {
            let model = described(&find(&library, name).unwrap());
            assert_eq!(
                (&model["id"], &model["object"], &model["owned_by"]),
                (&json!(name), &json!("model"), &json!("sd-burn"))
            );
            assert!(model["created"].as_u64().unwrap() > 1_600_000_000);
        }
        let error = find(&library, "../house").unwrap_err();
        assert_eq!((error.status.as_u16(), error.code), (404, "model_not_found"));
    }
}
