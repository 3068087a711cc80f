use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Served, eventually, files};

fn job(prompt: &str, count: u64) -> Value {
    json!({ "request": { "prompt": prompt, "seed": 100 }, "count": count })
}

#[test]
fn finished_images_of_an_unfinished_job_are_not_drawn_again() {
    let server = Served::with(|options| options.grace = Duration::ZERO);
    let id = server.submit(&job("hold", 3));
    server.fake.wait_for_held();
    server.fake.release();
    server.wait(&format!("/v1/jobs/{id}"), |report| report["images"].as_array().unwrap().len() == 1);
    let server = server.restarted(|_| {});
    (0..2).for_each(|_| server.fake.release());
    let report = server.finished(&id);
    let seeds: Vec<_> =
        report["images"].as_array().unwrap().iter().map(|image| image["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, [100, 101, 102]);
    assert_eq!(server.fake.drawn.lock().unwrap().iter().map(|(_, seed)| *seed).collect::<Vec<_>>(), [101, 102]);
}

#[test]
fn what_was_skipped_stays_skipped() {
    let server = Served::with(|options| options.grace = Duration::ZERO);
    let id = server.submit(&job("hold", 2));
    server.fake.wait_for_held();
    server.post(&format!("/v1/jobs/{id}/skip"), &json!({}));
    server.wait(&format!("/v1/jobs/{id}"), |report| report["skipped"] == json!([0]));
    let server = server.restarted(|_| {});
    server.fake.release();
    let report = server.finished(&id);
    assert_eq!((&report["skipped"], report["images"].as_array().unwrap().len()), (&json!([0]), 1));
}

#[test]
fn a_key_is_remembered() {
    let server = Served::new();
    let submit = |server: &Served| {
        let body = job("a boat", 1).to_string();
        server.send("POST", "/v1/jobs", &[("Idempotency-Key", "mine")], body.as_bytes()).json().1["id"].clone()
    };
    let id = submit(&server);
    let server = server.restarted(|_| {});
    assert_eq!(submit(&server), id);
}

#[test]
fn only_the_newest_finished_jobs_are_kept() {
    let server = Served::with(|options| options.retention.jobs = 2);
    let ids: Vec<String> = (0..4).map(|_| server.submit(&job("a boat", 2))).collect();
    server.finished(&ids[3]);
    eventually(|| files(&server.store().join("images")).len() == 4);
    let there: Vec<bool> = ids.iter().map(|id| server.get(&format!("/v1/jobs/{id}")).0 == 200).collect();
    assert_eq!(there, [false, false, true, true]);
}

#[test]
fn images_are_kept_within_their_bytes() {
    let server = Served::with(|options| options.retention.bytes = 1);
    let first = server.submit(&job("a boat", 2));
    server.finished(&first);
    assert_eq!(
        server.send("GET", &format!("/v1/jobs/{first}/images/1"), &[], &[]).status,
        200,
        "the newest always stays"
    );
    let second = server.submit(&job("a boat", 1));
    server.finished(&second);
    eventually(|| files(&server.store().join("images")) == [format!("{second}-0.png")]);
}

#[test]
fn files_without_a_record_are_removed_at_the_start() {
    let mut server = Served::new();
    let id = server.submit(&job("a boat", 1));
    server.finished(&id);
    server.stop();
    let images = server.store().join("images");
    std::fs::write(images.join(format!("{id}-1.png")), "half").unwrap();
    std::fs::write(images.join("mine.txt"), "another's").unwrap();
    let server = server.restarted(|_| {});
    assert_eq!(files(&images), [format!("{id}-0.png"), "mine.txt".into()]);
    drop(server);
}

#[test]
fn a_store_has_one_server() {
    let server = Served::new();
    let message = Served::refused(&server);
    assert!(message.contains("another server uses this folder"), "{message}");
}
