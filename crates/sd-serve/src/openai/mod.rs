//! OpenAI's images API: `/v1/images/generations`, `/edits` and `/variations`, and `/v1/models`.
//!
//! A request becomes [`Fields`](fields::Fields), these become a job and the [form of its answer](wanted::Wanted)
//! ([`translate`]), and its finished images become an [answer](answer::Answer), at once or as a [stream](stream).

mod answer;
mod fields;
#[cfg(test)]
mod fixtures;
mod handlers;
mod images;
mod link;
mod models;
mod settings;
mod size;
mod stream;
mod translate;
mod upload;
mod wanted;

use axum::Router;
use axum::routing::{get, post};

use crate::state::App;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/images/generations", post(handlers::generations))
        .route("/v1/images/edits", post(handlers::edits))
        .route("/v1/images/variations", post(handlers::variations))
        .route("/v1/models", get(models::list))
        // Names of models in folders have slashes.
        .route("/v1/models/{*name}", get(models::one))
}
