use axum::Json;
use axum::extract::State;
use sd_engine::Job;

use crate::api_error::ApiError;
use crate::artist::Outline;
use crate::body::JsonBody;
use crate::state::App;

/// `POST /v1/plan`: what a job comes to. Draws nothing.
pub async fn plan(State(app): State<App>, JsonBody(job): JsonBody<Job>) -> Result<Json<Outline>, ApiError> {
    Ok(Json(app.queue.plan(job).await?))
}
