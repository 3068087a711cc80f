//! Requests that no client should send, by the thousand: none may harm the server.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Served;

/// Requests of each thread.
const REQUESTS: usize = 500;
const THREADS: u64 = 4;

/// Numbers from a seed (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    pub fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

#[test]
fn malformed_requests_by_the_thousand_do_no_harm() {
    let server = Served::with(|options| {
        options.limits.body = 100_000;
        options.limits.pixels = 256 * 256;
        options.queue = 16;
    });
    thread::scope(|scope| {
        for seed in 0..THREADS {
            let server = &server;
            scope.spawn(move || {
                let mut random = Random(seed);
                for number in 0..REQUESTS {
                    let (status, what) = send(server, &mut random);
                    assert_ne!(status, 500, "seed {seed}, request {number}: {what}");
                }
            });
        }
    });
    let all_ended = |page: &Value| {
        let ended = |job: &Value| !["waiting", "running"].contains(&job["state"].as_str().unwrap());
        page["jobs"].as_array().unwrap().iter().all(ended)
    };
    server.wait("/v1/jobs?limit=200", all_ended);
    assert_eq!(server.finished(&server.submit(&json!({ "request": { "prompt": "a boat" } })))["state"], "done");
    assert_eq!(server.get("/readyz").0, 200);
}

/// Sends something, and returns what came back.
fn send(server: &Served, random: &mut Random) -> (u16, String) {
    let paths =
        ["/v1/jobs", "/v1/plan", "/v1/read", "/sdapi/v1/txt2img", "/sdapi/v1/img2img", "/v1/images/generations"];
    let path = random.of(&paths);
    if random.below(8) == 0 {
        let bytes = raw(path, random);
        // Many of these are beginnings, of which the server waits for the rest.
        let answer = server.raw(&bytes, Duration::from_millis(50));
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        return (status, format!("{} gives {answer}", String::from_utf8_lossy(&bytes)));
    }
    let body = body(random);
    let method = random.of(&["POST", "POST", "POST", "PUT", "DELETE"]);
    let kind = random.of(&[
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "image/png",
    ]);
    let answer = server.send(method, path, &[("Content-Type", kind)], &body);
    (answer.status, format!("{method} {path} {kind} {} gives {}", String::from_utf8_lossy(&body), answer.text()))
}

/// A body: JSON of odd values, cut or damaged JSON, or noise.
fn body(random: &mut Random) -> Vec<u8> {
    let mut text = value(random, 0).to_string().into_bytes();
    match random.below(6) {
        0 => text.truncate(random.below(text.len() + 1)),
        1 if !text.is_empty() => {
            let at = random.below(text.len());
            text[at] = random.below(256) as u8;
        }
        2 => text = (0..random.below(300)).map(|_| random.below(256) as u8).collect(),
        3 => text = b"[".repeat(random.below(50_000)),
        _ => {}
    }
    text
}

fn value(random: &mut Random, depth: usize) -> Value {
    let job = json!({ "request": { "prompt": "a boat", "seed": 1 } });
    if depth == 0 && random.below(3) > 0 {
        let mut job = job;
        let fields =
            ["prompt", "width", "height", "steps", "guidance", "seed", "init", "sampler", "negative_prompt", "unknown"];
        for _ in 0..=random.below(3) {
            let place = if random.below(4) == 0 { &mut job } else { &mut job["request"] };
            place[random.of(&fields)] = value(random, 1);
        }
        job["count"] = random.of(&[json!(1), json!(0), json!(-1), json!(1e300), json!(u64::MAX), json!("1")]);
        return job;
    }
    match random.below(if depth < 3 { 12 } else { 9 }) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(random.of(&[0_i64, -1, 1, 7, 64, 65_535, i64::MAX, i64::MIN])),
        3 => json!(u64::MAX),
        4 => json!(random.of(&[0.5, -0.0, 1e-300, 1e300])),
        5 => json!(random.of(&["", "a boat", "\u{0}", "😀", "../../etc/passwd", "((((", "<lora:x:1>", "[a:b:0.5]"])),
        6 => json!("A".repeat(random.below(2000))),
        7 => json!(format!("data:image/png;base64,{}", "iVBORw0KGgo=".repeat(random.below(5)))),
        8 => json!({ "image": "iVBORw0KGgoAAAANSUhEUgAA//8AAP//CAIAAAA=" }),
        9 => Value::Array((0..random.below(4)).map(|_| value(random, depth + 1)).collect()),
        10 => json!({ "image": value(random, depth + 1) }),
        _ => json!({ "a": value(random, depth + 1), "b": value(random, depth + 1) }),
    }
}

/// A request that is none, or nearly.
fn raw(path: &str, random: &mut Random) -> Vec<u8> {
    let length = random.of(&["2", "-1", "99999999999999999999", "1e3", "", "0x2", "2\r\nContent-Length: 3"]);
    let host = random.of(&["localhost", "", "a b", "localhost\r\nHost: other", "evil.example"]);
    let first = random.of(&["POST", "GET", "\u{0}", "POST\tX", "CONNECT"]);
    let version = random.of(&["HTTP/1.1", "HTTP/1.0", "HTTP/9.9", ""]);
    let encoding =
        random.of(&["", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Expect: 100-continue\r\n"]);
    let head = format!(
        "{first} {path} {version}\r\nHost: {host}\r\nContent-Length: {length}\r\n{encoding}Connection: close\r\n\r\n{{}}"
    );
    let mut bytes = head.into_bytes();
    if random.below(3) == 0 {
        bytes.truncate(random.below(bytes.len()));
    }
    bytes
}
