//! Jobs of our own, below `/v1`.

mod change;
mod events;
mod file;
mod gallery;
mod library;
mod list;
mod plan;
mod read;
mod report;
mod submit;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use self::file::converted;
use crate::state::App;

/// The routes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/jobs", post(submit::submit).get(list::list))
        .route("/v1/jobs/{id}", get(list::one).delete(change::remove))
        .route("/v1/jobs/{id}/cancel", post(change::cancel))
        .route("/v1/jobs/{id}/skip", post(change::skip))
        .route("/v1/jobs/{id}/events", get(events::events))
        .route("/v1/jobs/{id}/images/{index}", get(file::image))
        .route("/v1/images", get(gallery::gallery))
        .route("/v1/library", get(library::library))
        .route("/v1/plan", post(plan::plan))
        .route("/v1/read", post(read::read))
}
