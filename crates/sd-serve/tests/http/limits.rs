use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sd_image::Format;
use serde_json::{Value, json};

use crate::fake::colour;
use crate::support::Served;

#[test]
fn what_is_too_much_is_refused_by_name() {
    let server = Served::with(|options| {
        (options.limits.pixels, options.limits.steps, options.limits.count) = (512 * 512, 50, 4);
        options.limits.body = 10_000;
    });
    let job = |fields: Value| {
        let mut job = json!({ "request": { "prompt": "a boat" } });
        for (name, value) in fields.as_object().unwrap() {
            let place = if name == "count" { &mut job } else { &mut job["request"] };
            place[name] = value.clone();
        }
        job
    };
    for (fields, word) in [
        (json!({ "width": 1024, "height": 512 }), "1024×512"),
        (json!({ "width": u64::MAX, "height": u64::MAX }), "pixels"),
        (json!({ "steps": 51 }), "steps"),
        (json!({ "steps": u64::MAX }), "steps"),
        (json!({ "count": 5 }), "count"),
        (json!({ "count": u64::MAX }), "count"),
        (json!({ "prompt": "a".repeat(10_000) }), "length limit"),
    ] {
        let (status, answer) = server.post("/v1/jobs", &job(fields));
        assert_eq!(status, 413, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(word), "{answer}");
    }
    let (status, answer) = server.post("/v1/jobs", &job(json!({ "count": 0 })));
    assert_eq!(status, 400, "{answer}");
    assert_eq!(server.post("/v1/jobs", &job(json!({ "width": 512, "height": 512, "steps": 50, "count": 4 }))).0, 202);
}

#[test]
fn large_images_are_refused_before_they_are_decoded() {
    let server = Served::with(|options| options.limits.pixels = 1000);
    let large = STANDARD.encode(colour(1, 40, 40).encode(Format::Png, &[]).unwrap());
    let job = json!({ "request": { "prompt": "a boat", "width": 8, "height": 8, "init": { "image": large } } });
    let (status, answer) = server.post("/v1/jobs", &job);
    assert_eq!(status, 413, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("40×40"), "{answer}");
    // Many small ones are a large one.
    let small = STANDARD.encode(colour(1, 30, 30).encode(Format::Png, &[]).unwrap());
    let (status, answer) = server.post("/v1/jobs", &json!({ "unknown": vec![small; 5] }));
    assert_eq!(status, 413, "{answer}");
}

#[test]
fn a_key_is_asked_for_where_there_is_one() {
    let key = "0123456789abcdef";
    let server = Served::with(|options| options.keys = sd_serve::Keys::new([key]));
    let get = |headers: &[(&str, &str)]| server.send("GET", "/v1/jobs", headers, &[]).status;
    let basic = format!("Basic {}", STANDARD.encode(format!("anybody:{key}")));
    for header in [("Authorization", format!("Bearer {key}").as_str()), ("X-Api-Key", key), ("Authorization", &basic)] {
        assert_eq!(get(&[header]), 200, "{header:?}");
    }
    for header in
        [("Authorization", ""), ("Authorization", "Bearer 0123456789abcdeX"), ("X-Api-Key", "x"), ("Accept", "*/*")]
    {
        assert_eq!(get(&[header]), 401, "{header:?}");
    }
    let (_, answer) = server.get("/v1/jobs");
    assert_eq!(answer["error"]["code"], "invalid_api_key", "{answer}");
    assert_eq!(server.get("/metrics").0, 401);
    assert_eq!((server.get("/healthz").0, server.get("/readyz").0), (200, 200));
}

#[test]
fn an_empty_authorization_is_none_where_no_key_is_needed() {
    assert_eq!(Served::new().send("GET", "/v1/jobs", &[("Authorization", "")], &[]).status, 200);
}

#[test]
fn pages_of_others_are_refused_unless_they_may() {
    let server = Served::with(|options| options.cors = ["https://friend.example".into()].into());
    let job = br#"{ "request": { "prompt": "a boat" } }"#;
    let post = |origin: &str| server.send("POST", "/v1/jobs", &[("Origin", origin)], job);
    assert_eq!(post("https://evil.example").status, 403);
    assert_eq!(post("null").status, 403);
    assert_eq!(post(&format!("http://{}", server.address)).status, 202);
    let friend = post("https://friend.example");
    assert_eq!((friend.status, friend.header("access-control-allow-origin")), (202, "https://friend.example"));
    let asked = [("Origin", "https://friend.example"), ("Access-Control-Request-Method", "POST")];
    let preflight = server.send("OPTIONS", "/v1/jobs", &asked, &[]);
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, "https://friend.example"));
    let evil = server.send("GET", "/v1/jobs", &[("Origin", "https://evil.example")], &[]);
    assert_eq!(evil.header("access-control-allow-origin"), "");
    let rebound = b"GET /v1/jobs HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    let rebound = server.raw(rebound, Duration::from_secs(30));
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
}

#[test]
fn clients_that_dawdle_are_hung_up_on_and_others_are_not_kept() {
    let server = Served::with(|options| options.limits.request = Duration::from_millis(300));
    let starts: [&[u8]; 3] =
        [b"", b"POST /v1/jobs HTT", b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"];
    let slow = starts.map(|start| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(start).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    });
    assert_eq!(server.finished(&server.submit(&json!({ "request": { "prompt": "a boat" } })))["state"], "done");
    for (mut stream, start) in slow.into_iter().zip(starts) {
        let mut answer = String::new();
        // The server hangs up, or else the read fails after 30 seconds.
        let read = stream.read_to_string(&mut answer);
        assert!(
            !matches!(&read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock),
            "{start:?} is waited for"
        );
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
}

#[test]
fn a_client_that_waits_for_a_long_job_is_not_hung_up_on() {
    let server = Served::with(|options| options.limits.request = Duration::from_millis(100));
    let id = server.submit(&json!({ "request": { "prompt": "slow boat", "steps": 50 } }));
    assert_eq!(server.events(&id, &[]).last().unwrap().0, "done");
}

#[test]
fn what_is_not_there_is_said_in_the_form_of_each_interface() {
    let server = Served::new();
    assert_eq!(server.get("/v1/nothing").1["error"]["code"], "not_found");
    assert_eq!(server.get("/sdapi/v1/nothing").1["error"], "not_found");
    assert_eq!(server.delete("/v1/jobs").0, 405);
}
