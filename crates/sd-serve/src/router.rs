use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::routing::get;

use crate::api_error::ApiError;
use crate::state::App;
use crate::{guard, health, jobs, openai, page, sdapi};

/// All routes, behind the guard.
pub(crate) fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/metrics", get(health::metrics))
        .merge(jobs::routes())
        .merge(sdapi::routes())
        .merge(openai::routes());
    // These hold no secret, and need no key.
    let open = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .merge(page::routes());
    let routes =
        guard::with_key(routes, &app).merge(open).fallback(not_found).method_not_allowed_fallback(wrong_method);
    guard::guarded(routes, &app).with_state(app)
}

async fn not_found(uri: Uri) -> ApiError {
    ApiError::not_found(format!("{}: there is nothing here", uri.path()))
}

async fn wrong_method(uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{}: another method is needed", uri.path()),
    )
}
