use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::report::ImageReport;
use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::path::Query;
use crate::state::App;
use crate::store::StoreError;

/// The most images of a page.
const MOST: usize = 500;

/// Which images are listed.
#[derive(Deserialize)]
pub struct Page {
    limit: Option<usize>,
    before: Option<u64>,
}

/// A page of images.
#[derive(Serialize)]
pub struct Images {
    images: Vec<ImageReport>,
    /// The `before` of the next page.
    next: Option<u64>,
}

/// `GET /v1/images`: the newest images of all jobs.
pub async fn gallery(State(app): State<App>, Query(page): Query<Page>) -> Result<Json<Images>, ApiError> {
    let limit = page.limit.unwrap_or(50).clamp(1, MOST);
    let read = move || -> Result<Images, StoreError> {
        let mut records = app.store.images(page.before, limit + 1)?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().map(|record| record.seq).filter(|_| more);
        Ok(Images { images: records.into_iter().map(ImageReport::from).collect(), next })
    };
    Ok(Json(blocking(read).await??))
}
