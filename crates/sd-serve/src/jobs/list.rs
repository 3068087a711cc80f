use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::report::Report;
use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::id::JobId;
use crate::path::{Path, Query};
use crate::state::App;
use crate::store::StoreError;

/// The most jobs of a page.
const MOST: usize = 200;

/// Which jobs are listed.
#[derive(Deserialize)]
pub struct Page {
    limit: Option<usize>,
    before: Option<JobId>,
}

/// A page of jobs.
#[derive(Serialize)]
pub struct Jobs {
    jobs: Vec<Report>,
    /// The `before` of the next page.
    next: Option<JobId>,
}

/// `GET /v1/jobs`: the newest jobs, without what they draw.
pub async fn list(State(app): State<App>, Query(page): Query<Page>) -> Result<Json<Jobs>, ApiError> {
    let limit = page.limit.unwrap_or(20).clamp(1, MOST);
    let read = move || -> Result<Jobs, StoreError> {
        let mut records = app.store.jobs(page.before.as_ref(), limit + 1)?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().map(|record| record.id.clone()).filter(|_| more);
        let reports = records.into_iter().map(|record| Report::of(&record.id, &app.queue, &app.store));
        Ok(Jobs { jobs: reports.filter_map(Result::transpose).collect::<Result<_, _>>()?, next })
    };
    Ok(Json(blocking(read).await??))
}

/// `GET /v1/jobs/{id}`: a job, with what it draws.
pub async fn one(State(app): State<App>, Path(id): Path<JobId>) -> Result<Json<Report>, ApiError> {
    let read = move || -> Result<Option<Report>, StoreError> {
        let Some(report) = Report::of(&id, &app.queue, &app.store)? else { return Ok(None) };
        Ok(Some(Report { job: app.store.drawn_by(&id)?, ..report }))
    };
    blocking(read).await??.map(Json).ok_or_else(not_there)
}

/// 404 for a job.
pub fn not_there() -> ApiError {
    ApiError::not_found("there is no such job: it may have been removed")
}
