use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::support::Served;

const KEYS: [&str; 3] = ["0123456789abcdef", "fedcba9876543210", "another key of mine"];

fn job(prompt: &str) -> Value {
    json!({ "request": { "prompt": prompt } })
}

/// Submits a job as one of several clients.
fn submit(server: &Served, client: usize, job: &Value) -> (u16, Value) {
    server.send("POST", "/v1/jobs", &[("X-Api-Key", KEYS[client])], job.to_string().as_bytes()).json()
}

fn with_keys() -> Served {
    Served::with(|options| options.keys = sd_serve::Keys::new(KEYS))
}

#[test]
fn clients_take_turns_whatever_each_has_submitted() {
    let mut server = with_keys();
    submit(&server, 0, &job("hold"));
    server.fake.wait_for_held();
    for (client, prompt) in [(0, "a1"), (0, "a2"), (0, "a3"), (1, "b1"), (1, "b2"), (2, "c1")] {
        assert_eq!(submit(&server, client, &job(prompt)).0, 202);
    }
    server.fake.release();
    server.key = Some(KEYS[0].into());
    let all_done = |page: &Value| page["jobs"].as_array().unwrap().iter().all(|job| job["state"] == "done");
    server.wait("/v1/jobs", all_done);
    assert_eq!(server.fake.prompts(), ["hold", "a1", "b1", "c1", "a2", "b2", "a3"]);
}

#[test]
fn between_the_images_of_a_job_others_have_their_turn() {
    let mut server = with_keys();
    let mut many = job("hold many");
    many["count"] = 3.into();
    submit(&server, 0, &many);
    server.fake.wait_for_held();
    submit(&server, 1, &job("one"));
    (0..3).for_each(|_| server.fake.release());
    server.key = Some(KEYS[0].into());
    let all_done = |page: &Value| page["jobs"].as_array().unwrap().iter().all(|job| job["state"] == "done");
    server.wait("/v1/jobs", all_done);
    assert_eq!(server.fake.prompts(), ["hold many", "one", "hold many", "hold many"]);
}

#[test]
fn a_full_queue_says_when_to_come_back_and_then_there_is_room() {
    let server = Served::with(|options| options.queue = 2);
    server.submit(&job("hold"));
    server.fake.wait_for_held();
    let ids: Vec<String> = (0..2).map(|_| server.submit(&job("boat"))).collect();
    let answer = server.send("POST", "/v1/jobs", &[], job("boat").to_string().as_bytes());
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(answer.json().1["error"]["code"], "queue_full");
    server.fake.release();
    server.finished(&ids[0]);
    server.submit(&job("boat"));
}

#[test]
fn a_failure_or_a_panic_is_the_end_of_its_job_alone() {
    let server = Served::new();
    let opened = server.fake.opened.load(Ordering::Relaxed);
    for (prompt, message) in [("panic", "the artist fell off its chair"), ("fail", "the paint is dry")] {
        let report = server.finished(&server.submit(&job(prompt)));
        assert_eq!(report["state"], "failed");
        assert!(report["error"].as_str().unwrap().contains(message), "{report}");
        assert_eq!(server.finished(&server.submit(&job("a boat")))["state"], "done");
    }
    assert_eq!(server.fake.opened.load(Ordering::Relaxed), opened + 2, "each failure has a new artist");
}

#[test]
fn a_server_that_cannot_draw_says_so_and_draws_again_when_it_can() {
    let server = Served::new();
    server.fake.broken.store(true, Ordering::Relaxed);
    server.finished(&server.submit(&job("panic")));
    let report = server.finished(&server.submit(&job("a boat")));
    assert_eq!((&report["state"], &report["error"]), (&json!("failed"), &json!("the device is gone")));
    assert_eq!(server.get("/readyz").0, 503);
    server.fake.broken.store(false, Ordering::Relaxed);
    assert_eq!(server.finished(&server.submit(&job("a boat")))["state"], "done");
    assert_eq!(server.get("/readyz").0, 200);
}

#[test]
fn a_job_that_takes_too_long_fails() {
    let server = Served::with(|options| options.limits.job = std::time::Duration::from_millis(50));
    let report = server.finished(&server.submit(&job("hold")));
    assert_eq!(report["state"], "failed");
    assert!(report["error"].as_str().unwrap().contains("0.05 seconds"), "{report}");
}
