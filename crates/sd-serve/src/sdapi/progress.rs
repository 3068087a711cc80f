//! `progress`, which clients ask while they wait.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use serde_json::{Value, json};

use super::picture;
use crate::client::Client;
use crate::queue::Running;
use crate::state::App;

/// Says how far the drawing on the device is. Its image is shown to the client whose drawing it is.
pub(super) async fn read(
    State(app): State<App>,
    client: Client,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let Some(running) = app.queue.current() else { return Json(idle()) };
    let is_on = |value: &String| ["true", "1", "yes", "on"].contains(&value.to_ascii_lowercase().as_str());
    let is_wanted = !query.get("skip_current_image").is_some_and(is_on) && running.client.name == client.name;
    let preview = if is_wanted { app.queue.preview() } else { None };
    Json(of(&running, preview.map(|png| picture::to_base64(&png))))
}

/// The answer while nothing is drawn: programs wait until the progress and `job_count` are both 0.
fn idle() -> Value {
    json!({
        "progress": 0.0,
        "eta_relative": 0.0,
        "state": state("", "0", [0; 4]),
        "current_image": null,
        "textinfo": null,
        "current_task": null,
    })
}

fn of(running: &Running, current_image: Option<String>) -> Value {
    let counts = [running.image, running.count, running.call as u64, running.calls as u64];
    let share = share(counts, running.images);
    let started = running.started.strftime("%Y%m%d%H%M%S").to_string();
    json!({
        "progress": share,
        "eta_relative": running.seconds_left.unwrap_or(0.0),
        "state": state("drawing", &started, counts),
        "current_image": current_image,
        "textinfo": null,
        "current_task": running.id.as_str(),
    })
}

/// The share that is done, while `together` images are drawn at once. It begins above 0, which would mean that nothing is drawn.
fn share([image, count, step, steps]: [u64; 4], together: u64) -> f64 {
    let (count, steps) = (count.max(1) as f64, steps.max(1) as f64);
    (0.01 + image as f64 / count + together as f64 * step as f64 / steps / count).min(1.0)
}

fn state(job: &str, started: &str, [image, count, step, steps]: [u64; 4]) -> Value {
    json!({
        "skipped": false,
        "interrupted": false,
        "stopping_generation": false,
        "job": job,
        "job_count": count,
        "job_timestamp": started,
        "job_no": image,
        "sampling_step": step,
        "sampling_steps": steps,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_counts_images_and_the_steps_of_the_current_one() {
        for (counts, together, wanted) in [
            ([0, 1, 0, 20], 1, 0.01),
            ([0, 1, 10, 20], 1, 0.51),
            ([1, 4, 10, 20], 1, 0.385),
            ([3, 4, 20, 20], 1, 1.0),
            ([0, 1, 0, 0], 1, 0.01),
            ([0, 8, 10, 20], 4, 0.26),
            ([4, 8, 20, 20], 4, 1.0),
        ] {
            let found = share(counts, together);
            assert!((found - wanted).abs() < 1e-12, "{found} is not {wanted}");
        }
    }

    #[test]
    fn an_idle_server_has_no_progress_and_no_jobs() {
        assert_eq!((&idle()["progress"], &idle()["state"]["job_count"]), (&json!(0.0), &json!(0)));
    }
}
