//! What stops a drawing, or frees memory.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::SdapiError;
use crate::client::Client;
use crate::state::App;

/// Stops the drawing on the device, if it is this client's. Its request answers with the images that are finished.
pub(super) async fn interrupt(State(app): State<App>, client: Client) -> Json<Value> {
    if let Some(running) = app.queue.current().filter(|running| running.client.name == client.name) {
        app.queue.cancel(&running.id);
    }
    Json(json!({}))
}

/// Leaves out the image on the device, if it is this client's, and goes on with the next.
pub(super) async fn skip(State(app): State<App>, client: Client) -> Json<Value> {
    if let Some(running) = app.queue.current().filter(|running| running.client.name == client.name) {
        app.queue.skip(&running.id);
    }
    Json(Value::Null)
}

/// Frees the memory of all models, once it is this client's turn.
pub(super) async fn unload(State(app): State<App>, client: Client) -> Result<Json<Value>, SdapiError> {
    app.queue.run(&client, |artist, _| artist.unload()).await?;
    Ok(Json(json!({})))
}

/// Does nothing: models are loaded when a drawing needs them.
pub(super) async fn reload() -> Json<Value> {
    Json(json!({}))
}

/// Does nothing: folders are read whenever they are listed.
pub(super) async fn refresh() -> Json<Value> {
    Json(Value::Null)
}
