use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{self, KeepAlive, Sse};
use futures_util::{StreamExt, future};

use super::list::not_there;
use crate::api_error::ApiError;
use crate::blocking::blocking;
use crate::id::JobId;
use crate::path::Path;
use crate::queue::Event;
use crate::state::App;

/// Between two comments that keep a connection alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `GET /v1/jobs/{id}/events`: what happens to a job, from its present state to its end.
///
/// The id of an event is the number of images that are finished or left out. A client that comes back with it as `Last-Event-ID` is
/// not told of these again.
pub async fn events(
    State(app): State<App>,
    Path(id): Path<JobId>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let known = {
        let (store, id) = (app.store.clone(), id.clone());
        blocking(move || store.job(&id)).await??
    };
    known.ok_or_else(not_there)?;
    let heard: usize = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(0);
    let mut images = 0;
    let events = app.queue.events(&id).filter_map(move |event| {
        let is_image = matches!(event, Event::Image { .. } | Event::Skipped { .. });
        images += usize::from(is_image);
        let told = (!is_image || images > heard).then(|| {
            let event = sse::Event::default().event(event.name()).id(images.to_string()).json_data(&event);
            // Events are texts and numbers.
            Ok::<_, Infallible>(event.unwrap_or_default())
        });
        future::ready(told)
    });
    // nginx would otherwise collect events before it passes them on.
    let unbuffered = [("x-accel-buffering", "no")];
    Ok((unbuffered, Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))))
}
