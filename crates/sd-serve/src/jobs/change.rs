use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::list::not_there;
use super::report::Report;
use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::id::JobId;
use crate::path::Path;
use crate::state::App;
use crate::store::StoreError;

/// `DELETE /v1/jobs/{id}`: cancels a job that is not finished, at its next step; removes one that is, with its images.
pub async fn remove(State(app): State<App>, Path(id): Path<JobId>) -> Result<Json<Report>, ApiError> {
    let remove = move || -> Result<Option<Report>, StoreError> {
        if app.queue.cancel(&id) {
            return Report::of(&id, &app.queue, &app.store);
        }
        let report = Report::of(&id, &app.queue, &app.store)?;
        app.store.remove(&id)?;
        Ok(report)
    };
    blocking(remove).await??.map(Json).ok_or_else(not_there)
}

/// `POST /v1/jobs/{id}/cancel`: cancels a job at its next step. One that is finished stays as it is.
pub async fn cancel(State(app): State<App>, Path(id): Path<JobId>) -> Result<Json<Report>, ApiError> {
    let cancel = move || {
        app.queue.cancel(&id);
        Report::of(&id, &app.queue, &app.store)
    };
    blocking(cancel).await??.map(Json).ok_or_else(not_there)
}

/// `POST /v1/jobs/{id}/skip`: leaves out the image that is drawn now.
pub async fn skip(State(app): State<App>, Path(id): Path<JobId>) -> Result<Json<Report>, ApiError> {
    if !app.queue.skip(&id) {
        return Err(ApiError::new(StatusCode::CONFLICT, "not_running", "no image of this job is drawn now"));
    }
    blocking(move || Report::of(&id, &app.queue, &app.store)).await??.map(Json).ok_or_else(not_there)
}
