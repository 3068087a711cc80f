use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api_error::ApiError;
use crate::state::App;

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: jobs are accepted and can be drawn.
pub(crate) async fn readyz(State(app): State<App>) -> Result<&'static str, ApiError> {
    match app.queue.trouble() {
        None => Ok("ok\n"),
        Some(trouble) => Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", trouble)),
    }
}

/// `GET /metrics`.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    app.metrics.waiting.set(app.queue.waiting() as i64);
    app.metrics.running.set(app.queue.current().is_some().into());
    let text = app.metrics.text().unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}
