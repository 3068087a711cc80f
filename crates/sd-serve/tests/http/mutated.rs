//! Requests of every interface that are right but for something, by the thousand: each is answered with a reason, none ends in a panic, and
//! the queue still serves.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::malformed::Random;
use crate::support::Served;

/// Each interface's requests as they should be.
fn requests() -> Vec<(&'static str, Value)> {
    let (png, mask) = (STANDARD.encode(PNG), STANDARD.encode(TRANSPARENT));
    let job = json!({
        "request": { "prompt": "a house", "seed": 7, "steps": 4, "width": 16, "height": 16 }, "count": 2,
        "hires": { "size": { "factor": 2.0 }, "steps": 2, "strength": 0.5 }
    });
    let edit = json!({ "request": {
        "prompt": "a house", "init": { "image": png }, "inpaint": { "mask": png, "blur": 1.0, "only_masked": 4 }, "strength": 0.5,
        "outpaint": { "top": 8, "right": 0, "bottom": 0, "left": 0 }, "sampler": "euler", "variation": { "seed": 1, "strength": 0.5 }
    } });
    let text = json!({
        "prompt": "a house", "negative_prompt": "", "seed": -1, "steps": 4, "width": 16, "height": 16, "cfg_scale": 7, "batch_size": 1,
        "n_iter": 1, "sampler_name": "Euler a", "override_settings": { "CLIP_stop_at_last_layers": 1 }, "alwayson_scripts": {}
    });
    let image =
        json!({ "prompt": "a house", "init_images": [png], "mask": mask, "denoising_strength": 0.5, "steps": 4 });
    vec![
        (
            "/v1/images/generations",
            json!({ "prompt": "a house", "n": 2, "size": "16x16", "seed": 1, "output_format": "jpeg" }),
        ),
        ("/v1/images/generations", json!({ "prompt": "a house", "stream": true, "partial_images": 1, "loras": [] })),
        (
            "/v1/images/edits",
            json!({ "prompt": "a house", "image": png, "mask": { "image_url": mask }, "strength": 0.5 }),
        ),
        (
            "/v1/images/variations",
            json!({ "images": [{ "image_url": format!("data:image/png;base64,{png}") }], "n": 1 }),
        ),
        ("/v1/jobs", job.clone()),
        ("/v1/jobs", edit),
        ("/v1/plan", job),
        ("/v1/read", json!({ "image": png })),
        ("/sdapi/v1/txt2img", text),
        ("/sdapi/v1/img2img", image),
        ("/sdapi/v1/options", json!({ "sd_model_checkpoint": null, "CLIP_stop_at_last_layers": 2 })),
        ("/sdapi/v1/png-info", json!({ "image": png })),
        ("/sdapi/v1/extra-single-image", json!({ "image": png, "upscaling_resize": 2, "upscaler_1": "Lanczos" })),
    ]
}

const PNG: &[u8] = include_bytes!("recorded/image.png");
const TRANSPARENT: &[u8] = include_bytes!("recorded/mask.png");

/// Small limits: what a wrong value asks for should be refused rather than drawn.
fn served() -> Served {
    Served::with(|options| {
        options.limits.pixels = 64 * 64;
        options.limits.steps = 40;
        options.limits.count = 3;
        options.limits.body = 1 << 20;
    })
}

/// A value that is hardly ever right.
fn odd(random: &mut Random) -> Value {
    let text = match random.below(12) {
        0 => "a".repeat(100_000),
        1 => "NaN".into(),
        2 => "-inf".into(),
        3 => "\u{0}\u{202e}🏠\u{feff}".into(),
        4 => "../../../etc/passwd".into(),
        5 => "http://127.0.0.1:1/image.png".into(),
        6 => "data:image/png;base64,%%%".into(),
        7 => STANDARD.encode(&PNG[..random.below(PNG.len())]),
        8 => STANDARD.encode(large_png()),
        9 => "18446744073709551616x1".into(),
        10 => "<lora:../x:1e999> (((((a:1e30)".into(),
        _ => String::new(),
    };
    match random.below(16) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(u64::MAX),
        3 => json!(i64::MIN),
        4 => json!(1e308),
        5 => json!(-0.0),
        6 => json!(true),
        7 => json!([]),
        8 => json!({}),
        9 => (0..100).fold(json!(1), |inner, _| json!([inner])),
        10 => json!(vec![Value::Null; 1000]),
        _ => text.into(),
    }
}

/// The beginning of a file that says to have 400 million pixels.
fn large_png() -> Vec<u8> {
    let mut file = PNG.to_vec();
    let side = 20_000u32.to_be_bytes();
    file.splice(16..24, [side, side].concat());
    let check = checksum(&file[12..29]).to_be_bytes();
    file.splice(29..33, check);
    file
}

/// PNG's checksum, bit by bit.
fn checksum(bytes: &[u8]) -> u32 {
    let step = |rest: u32| if rest & 1 == 1 { 0xEDB8_8320 ^ (rest >> 1) } else { rest >> 1 };
    !bytes.iter().fold(u32::MAX, |rest, byte| (0..8).fold(rest ^ u32::from(*byte), |rest, _| step(rest)))
}

/// Changes one thing in an object, at any depth.
fn change(value: &mut Value, random: &mut Random) {
    match value {
        Value::Object(fields) if !fields.is_empty() => change_field(fields, random),
        Value::Array(values) if !values.is_empty() && random.below(2) == 0 => {
            let index = random.below(values.len());
            change(&mut values[index], random);
        }
        value => *value = odd(random),
    }
}

fn change_field(fields: &mut Map<String, Value>, random: &mut Random) {
    let names: Vec<String> = fields.keys().cloned().collect();
    let name = random.of(&names);
    match random.below(8) {
        0 => {
            fields.remove(&name);
        }
        1 => {
            fields.insert(random.of(&["", "unknown", "__proto__", "request", "model", "vae"]).into(), odd(random));
        }
        2 | 3 => {
            fields.insert(name, odd(random));
        }
        _ => change(&mut fields[&name], random),
    }
}

/// Breaks a body as text.
fn broken(body: &[u8], random: &mut Random) -> Vec<u8> {
    let mut body = body.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(body.len().max(1));
        match random.below(5) {
            0 => body.truncate(at),
            1 if !body.is_empty() => body[at] = random.below(256) as u8,
            2 if !body.is_empty() => {
                body.remove(at);
            }
            3 => drop(body.splice(at.min(body.len())..at.min(body.len()), *b"1e99")),
            _ => body.insert(at.min(body.len()), random.of(b"{}[]\",:\\\0\xff-9")),
        }
    }
    body
}

/// Sends bodies, and says how many were accepted and how many refused.
struct Sender {
    server: Served,
    accepted: usize,
    refused: usize,
}

impl Sender {
    fn new() -> Self {
        Self { server: served(), accepted: 0, refused: 0 }
    }

    fn send(&mut self, path: &str, kind: &str, body: &[u8]) {
        let answer = self.server.send("POST", path, &[("Content-Type", kind)], body);
        let (status, text) = (answer.status, answer.text());
        let shown: String = String::from_utf8_lossy(body).chars().take(300).collect();
        assert!(status < 500 || status == 503, "{path} {status} {text}\n{shown}");
        if status < 400 {
            self.accepted += 1;
            return;
        }
        self.refused += 1;
        let answer: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path} {status} {error}: {text}"));
        let reason = if path.starts_with("/sdapi") { &answer["detail"] } else { &answer["error"]["message"] };
        // AUTOMATIC1111's answer to a body of the wrong form lists what is wrong.
        assert!(reason.is_string() || reason.is_array(), "{path} {status} {text}");
    }

    /// Whether the server serves as if nothing had been.
    fn serves(mut self) {
        assert!(self.accepted > 0 && self.refused > 0, "{} {}", self.accepted, self.refused);
        let before = self.accepted;
        for (path, body) in requests() {
            self.send(path, "application/json", body.to_string().as_bytes());
        }
        assert_eq!(self.accepted - before, requests().len());
    }
}

#[test]
fn wrong_values_at_any_place_are_refused_with_a_reason() {
    let mut sender = Sender::new();
    let mut random = Random(1);
    for (path, body) in requests() {
        for _ in 0..150 {
            let mut body = body.clone();
            for _ in 0..=random.below(2) {
                change(&mut body, &mut random);
            }
            sender.send(path, "application/json", body.to_string().as_bytes());
        }
    }
    sender.serves();
}

#[test]
fn broken_json_is_refused_with_a_reason() {
    let mut sender = Sender::new();
    let mut random = Random(2);
    for (path, body) in requests() {
        let body = body.to_string();
        for _ in 0..100 {
            let kind = random.of(&["application/json", "text/plain", "application/x-www-form-urlencoded", "?"]);
            sender.send(path, kind, &broken(body.as_bytes(), &mut random));
        }
        let deep = "[".repeat(500_000);
        for body in [&b"null"[..], b"[]", b"\"", b"\xff\xfe", b"{\"prompt\":", deep.as_bytes()] {
            sender.send(path, "application/json", body);
        }
    }
    sender.serves();
}

#[test]
fn broken_forms_are_refused_with_a_reason() {
    let mut sender = Sender::new();
    let mut random = Random(3);
    for recorded in [
        &include_bytes!("recorded/python-edit-mask.http")[..],
        include_bytes!("recorded/javascript-edit-mask.http"),
        include_bytes!("recorded/python-variation.http"),
    ] {
        let end = recorded.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&recorded[..end]).to_string();
        let kind = head.lines().find(|line| line.to_lowercase().starts_with("content-type:")).unwrap();
        let (path, kind) = (head.split(' ').nth(1).unwrap(), kind[13..].trim());
        for _ in 0..300 {
            sender.send(path, kind, &broken(&recorded[end + 4..], &mut random));
        }
        for kind in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=other"] {
            sender.send(path, kind, &recorded[end + 4..]);
        }
        sender.send(path, kind, &recorded[end + 4..]);
    }
    sender.serves();
}

#[test]
fn files_that_unfold_are_refused_by_what_they_say() {
    let mut sender = Sender::new();
    // A text of 64 MiB in some kilobytes, beside the smallest of images.
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![b' '; 1 << 20];
    (0..64).for_each(|_| zlib.write_all(&zeros).unwrap());
    let text = [b"zTXtparameters\0\0".to_vec(), zlib.finish().unwrap()].concat();
    let length = (text.len() as u32 - 4).to_be_bytes();
    let chunk = [&length[..], &text, &checksum(&text).to_be_bytes()].concat();
    let with_text = [&PNG[..33], &chunk, &PNG[33..]].concat();
    for file in [with_text, large_png()] {
        let file = STANDARD.encode(file);
        for (path, body) in [
            ("/v1/images/edits", json!({ "prompt": "a house", "image": file })),
            ("/v1/images/variations", json!({ "image": file })),
            ("/v1/jobs", json!({ "request": { "prompt": "a house", "init": { "image": file } } })),
            ("/v1/read", json!({ "image": file })),
            ("/sdapi/v1/img2img", json!({ "prompt": "a house", "init_images": [file] })),
            ("/sdapi/v1/png-info", json!({ "image": file })),
            ("/sdapi/v1/extra-single-image", json!({ "image": file, "upscaling_resize": 1 })),
        ] {
            sender.send(path, "application/json", body.to_string().as_bytes());
        }
    }
    sender.serves();
}
