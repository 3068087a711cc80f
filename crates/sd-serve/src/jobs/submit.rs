use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use sd_engine::Job;

use super::report::Report;
use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::body::JsonBody;
use crate::client::Client;
use crate::queue::How;
use crate::state::App;

/// The longest key, in bytes.
const LONGEST_KEY: usize = 255;

/// `POST /v1/jobs`: accepts a job. With an `Idempotency-Key`, a client that repeats its request has one job.
pub async fn submit(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    JsonBody(job): JsonBody<Job>,
) -> Result<impl IntoResponse, ApiError> {
    let how = How::Kept { key: key(&headers)? };
    let ticket = app.queue.submit(&client, job, how).await?;
    let id = ticket.id.clone();
    let report = blocking(move || Report::of(&id, &app.queue, &app.store)).await??;
    let report = report.ok_or_else(|| ApiError::not_found("the job is not there any more"))?;
    let location = [(header::LOCATION, format!("/v1/jobs/{}", report.id))];
    let status = if ticket.new { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, location, Json(report)))
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&key.len()) => Ok(Some(key.into())),
        _ => Err(ApiError::wrong(format!("Idempotency-Key: expected 1 to {LONGEST_KEY} letters, digits and signs"))),
    }
}
