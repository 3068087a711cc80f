//! OpenAI's images API. The requests in `recorded` are those of OpenAI's clients for Python (3.51.0) and JavaScript (7.55.0), byte for
//! byte apart from some headers.

use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sd_image::{Image, Mask};
use sd_serve::Keys;
use serde_json::{Value, json};

use crate::support::Served;

/// Sends a recorded request.
fn replay(server: &Served, recorded: &[u8]) -> (u16, Value) {
    let end = recorded.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&recorded[..end]).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let kind = head.lines().find_map(|line| line.to_lowercase().starts_with("content-type: ").then(|| &line[14..]));
    server.send("POST", path, &[("Content-Type", kind.unwrap())], &recorded[end + 4..]).json()
}

/// The request of the newest job.
fn last_request(server: &Served) -> Value {
    let (_, jobs) = server.get("/v1/jobs?limit=1");
    let id = jobs["jobs"][0]["id"].as_str().unwrap();
    server.get(&format!("/v1/jobs/{id}")).1["job"]["request"].clone()
}

fn file(image: &Value) -> Vec<u8> {
    STANDARD.decode(image["b64_json"].as_str().unwrap()).unwrap()
}

/// The names and the data of the events of a streamed answer.
fn events(server: &Served, path: &str, body: &Value) -> Vec<(String, Value)> {
    let answer = server.send("POST", path, &[], body.to_string().as_bytes());
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = answer.text();
    let event = |event: &str| {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        Some((field("event:")?.to_string(), serde_json::from_str(field("data:")?).unwrap()))
    };
    text.split("\n\n").filter_map(event).collect()
}

#[test]
fn pythons_client_gets_its_images() {
    let server = Served::new();
    let (status, answer) = replay(&server, include_bytes!("recorded/python-generate.http"));
    assert_eq!(status, 200, "{answer}");
    let said = ["output_format", "quality", "size", "background"].map(|field| answer[field].as_str().unwrap());
    assert_eq!(said, ["jpeg", "high", "64x32", "opaque"]);
    let images = answer["data"].as_array().unwrap();
    assert_eq!(images.iter().map(|image| image["seed"].as_u64().unwrap()).collect::<Vec<_>>(), [7, 8]);
    for image in images {
        let file = file(image);
        assert!(file.starts_with(b"\xff\xd8\xff"));
        let image = Image::decode(&file).unwrap();
        assert_eq!((image.width, image.height), (64, 32));
    }
    let request = last_request(&server);
    assert_eq!((&request["prompt"], &request["steps"]), (&json!("a house"), &json!(4)));
}

#[test]
fn the_transparent_part_of_a_mask_is_drawn_anew() {
    for (name, recorded) in [
        ("Python", &include_bytes!("recorded/python-edit-mask.http")[..]),
        ("JavaScript", &include_bytes!("recorded/javascript-edit-mask.http")[..]),
    ] {
        let server = Served::new();
        let (status, answer) = replay(&server, recorded);
        assert_eq!((status, answer["data"].as_array().map(Vec::len)), (200, Some(1)), "{name}: {answer}");
        let request = last_request(&server);
        let mask: Mask = serde_json::from_value(request["inpaint"]["mask"].clone()).unwrap();
        // The client's mask is transparent in its left half.
        let row: Vec<u8> = (0..16).map(|x| if x < 8 { 255 } else { 0 }).collect();
        assert_eq!(mask.values, row.repeat(8), "{name}");
        let image: Image = serde_json::from_value(request["init"]["image"].clone()).unwrap();
        assert_eq!(image.rgb, [200, 30, 30].repeat(16 * 8), "{name}");
        assert_eq!((&request["strength"], &request["seed"]), (&json!(1.0), &json!(7)), "{name}");
    }
}

#[test]
fn a_list_of_one_image_is_an_image() {
    let server = Served::new();
    assert_eq!(replay(&server, include_bytes!("recorded/python-edit-list.http")).0, 200);
    let request = last_request(&server);
    assert!(request["inpaint"].is_null() && request["init"]["image"].is_string());
}

#[test]
fn two_images_are_one_too_many() {
    let (status, answer) = replay(&Served::new(), include_bytes!("recorded/javascript-edit-two.http"));
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("image")), "{answer}");
}

#[test]
fn javascripts_client_gets_its_image() {
    let (status, answer) = replay(&Served::new(), include_bytes!("recorded/javascript-generate.http"));
    assert_eq!(status, 200, "{answer}");
    assert!(file(&answer["data"][0]).starts_with(b"\x89PNG"));
}

#[test]
fn variations_are_images_without_a_text_and_links_lead_to_them() {
    let server = Served::new();
    let (status, answer) = replay(&server, include_bytes!("recorded/python-variation.http"));
    assert_eq!((status, answer["data"].as_array().map(Vec::len)), (200, Some(2)), "{answer}");
    for image in answer["data"].as_array().unwrap() {
        let url = image["url"].as_str().unwrap();
        let path = url.strip_prefix(&server.url("")).unwrap_or_else(|| panic!("{url} leads elsewhere"));
        assert!(server.send("GET", path, &[], &[]).bytes.starts_with(b"\x89PNG"));
    }
    let request = last_request(&server);
    assert_eq!((&request["prompt"], &request["strength"]), (&json!(""), &json!(0.6)));
}

#[test]
fn an_image_may_come_as_a_data_url_and_never_from_elsewhere() {
    let server = Served::new();
    let png = serde_json::to_value(Image { width: 8, height: 8, rgb: vec![9; 192] }).unwrap();
    let url = format!("data:image/png;base64,{}", png.as_str().unwrap());
    let edit =
        |url: &str| server.post("/v1/images/edits", &json!({ "prompt": "a house", "images": [{ "image_url": url }] }));
    assert_eq!(edit(&url).0, 200);
    for url in ["http://127.0.0.1:1/a.png", "https://example.org/a.png", "file:///etc/passwd"] {
        let (status, answer) = edit(url);
        assert_eq!((status, &answer["error"]["param"]), (400, &json!("image")), "{url}: {answer}");
    }
}

#[test]
fn a_stream_shows_each_image_unfinished_and_then_finished() {
    let body =
        json!({ "prompt": "slow together", "n": 2, "stream": true, "partial_images": 2, "seed": 3, "size": "64x32" });
    let events = events(&Served::new(), "/v1/images/generations", &body);
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    let of_one = ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"];
    assert_eq!(names, of_one.repeat(2));
    for (name, data) in &events {
        assert_eq!((&data["type"], &data["size"]), (&json!(name), &json!("64x32")));
        let image = Image::decode(&file(data)).unwrap();
        assert_eq!((image.width, image.height), (64, 32));
    }
    let indices: Vec<_> = events.iter().map(|(_, data)| data["partial_image_index"].as_u64()).collect();
    assert_eq!(indices, [Some(0), Some(1), None].repeat(2));
    assert_eq!((&events[2].1["seed"], &events[5].1["seed"]), (&json!(3), &json!(4)));
    assert!(events[2].1["usage"]["total_tokens"].is_u64());
}

#[test]
fn a_stream_of_an_edit_names_its_events_so() {
    let png = serde_json::to_value(Image { width: 8, height: 8, rgb: vec![9; 192] }).unwrap();
    let body = json!({ "prompt": "a house", "image": png, "stream": true, "output_format": "webp" });
    let events = events(&Served::new(), "/v1/images/edits", &body);
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["image_edit.completed"]);
    assert!(file(&events[0].1).starts_with(b"RIFF"));
}

#[test]
fn a_stream_that_fails_ends_with_an_error() {
    let events = events(&Served::new(), "/v1/images/generations", &json!({ "prompt": "fail", "stream": true }));
    let (name, data) = events.last().unwrap();
    assert_eq!(name, "error");
    assert!(data["error"]["message"].is_string() && data["error"]["type"] == "server_error", "{data}");
}

#[test]
fn models_that_are_not_there_are_404() {
    let server = Served::new();
    let generate = |model| server.post("/v1/images/generations", &json!({ "prompt": "a house", "model": model }));
    for (status, answer) in [server.get("/v1/models/no/such"), server.get("/v1/models/none"), generate("none")] {
        assert_eq!((status, &answer["error"]["code"]), (404, &json!("model_not_found")), "{answer}");
        assert_eq!(answer["error"]["param"], "model");
    }
    assert_eq!(server.get("/v1/models"), (200, json!({ "object": "list", "data": [] })));
    // Programs that know OpenAI's models alone get the default one.
    assert_eq!(generate("dall-e-3").0, 200);
}

#[test]
fn a_wrong_key_is_401_as_openai_says_it() {
    let mut server = Served::with(|options| options.keys = Keys::new(["0123456789abcdef"]));
    for key in [None, Some("wrong")] {
        server.key = key.map(str::to_string);
        for (status, answer) in [server.get("/v1/models"), server.post("/v1/images/generations", &json!({}))] {
            assert_eq!((status, &answer["error"]["code"]), (401, &json!("invalid_api_key")), "{answer}");
        }
    }
    server.key = Some("0123456789abcdef".into());
    assert_eq!(server.get("/v1/models").0, 200);
}

#[test]
fn a_full_queue_says_when_to_come_back() {
    let server = Served::with(|options| options.queue = 1);
    let body = json!({ "prompt": "hold" }).to_string();
    thread::scope(|threads| {
        // One is drawn and one waits; the others are refused.
        let generate = || server.send("POST", "/v1/images/generations", &[], body.as_bytes());
        let all: Vec<_> = (0..4).map(|_| threads.spawn(generate)).collect();
        while !all.iter().any(|one| one.is_finished()) {
            thread::sleep(Duration::from_millis(5));
        }
        (0..4).for_each(|_| server.fake.release());
        let answers: Vec<_> = all.into_iter().map(|one| one.join().unwrap()).collect();
        let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
        assert!(!refused.is_empty() && refused.len() < 4);
        for answer in refused {
            assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
        }
    });
}

#[test]
fn what_is_wrong_is_said_as_openai_says_it() {
    let server = Served::new();
    for (body, field) in [
        (json!({}), "prompt"),
        (json!({ "prompt": "a house", "size": "large" }), "size"),
        (json!({ "prompt": "a house", "n": 0 }), "n"),
        (json!({ "prompt": "a house", "background": "transparent" }), "background"),
        (json!({ "prompt": ["a house"] }), "prompt"),
    ] {
        let (status, answer) = server.post("/v1/images/generations", &body);
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(field)), "{answer}");
        assert_eq!(answer["error"]["type"], "invalid_request_error");
        assert!(answer["error"]["message"].as_str().unwrap().contains(field), "{answer}");
    }
}
