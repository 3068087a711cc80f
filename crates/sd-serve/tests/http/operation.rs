use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::support::Served;

#[test]
fn a_server_that_stops_finishes_its_image_and_leaves_the_rest_to_the_next() {
    let mut server = Served::new();
    let ids: Vec<String> =
        (0..3).map(|number| server.submit(&json!({ "request": { "prompt": format!("hold {number}") } }))).collect();
    server.fake.wait_for_held();
    server.tell_to_stop();
    server.wait("/readyz", |answer| answer["error"]["code"] == "not_ready");
    let (status, answer) = server.post("/v1/jobs", &json!({ "request": { "prompt": "late" } }));
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("stopping")));
    server.fake.release();
    let server = server.restarted(|_| {});
    assert_eq!(server.get(&format!("/v1/jobs/{}", ids[0])).1["state"], "done");
    (0..2).for_each(|_| server.fake.release());
    ids.iter().for_each(|id| assert_eq!(server.finished(id)["state"], "done"));
    assert_eq!(server.fake.prompts(), ["hold 1", "hold 2"]);
}

#[test]
fn an_image_that_outlasts_the_grace_is_left_to_the_next_server() {
    let server = Served::with(|options| options.grace = Duration::from_millis(10));
    let id = server.submit(&json!({ "request": { "prompt": "hold" } }));
    server.fake.wait_for_held();
    let server = server.restarted(|_| {});
    server.fake.release();
    assert_eq!(server.finished(&id)["state"], "done");
    assert_eq!(server.fake.prompts(), ["hold"]);
}

#[test]
fn whoever_listens_is_not_kept_by_a_server_that_stops() {
    let mut server = Served::with(|options| options.grace = Duration::ZERO);
    let id = server.submit(&json!({ "request": { "prompt": "hold" } }));
    server.fake.wait_for_held();
    let head = format!("GET /v1/jobs/{id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut listener = TcpStream::connect(server.address).unwrap();
    listener.write_all(head.as_bytes()).unwrap();
    let mut first = [0; 12];
    listener.read_exact(&mut first).unwrap();
    server.stop();
    let mut rest = String::new();
    listener.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("event:") && !rest.contains("done"), "{rest}");
}

#[test]
fn metrics_count_what_happened() {
    let server = Served::new();
    for prompt in ["a boat", "fail"] {
        server.finished(&server.submit(&json!({ "request": { "prompt": prompt } })));
    }
    let text = server.send("GET", "/metrics", &[], &[]).text();
    for line in [
        "sd_jobs_accepted_total{interface=\"jobs\"} 2",
        "sd_jobs_ended_total{interface=\"jobs\",outcome=\"done\"} 1",
        "sd_jobs_ended_total{interface=\"jobs\",outcome=\"failed\"} 1",
        "sd_images_total 1",
        "sd_queue_length 0",
        "sd_job_seconds_count 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
    }
}
