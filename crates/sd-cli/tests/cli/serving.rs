use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sd_pipeline::Image;
use serde_json::{Value, json};

use crate::{Run, stderr};

/// A server in a process of its own, which is killed when it is dropped.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(run: &Run, store: &str) -> Self {
        let mut command = run.command(&["serve", "--port", "0", "--device", "flex", "--store", store, "--model"]);
        command.arg(crate::MODEL.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_string();
        if !address.starts_with("http://127.0.0.1:") {
            let mut message = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut message).unwrap();
            panic!("the server does not start: {message}");
        }
        Self { child, address }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request; an error means that the server is gone.
fn send(method: &str, url: &str, key: &str, body: &str) -> Result<(u16, Vec<u8>), ureq::Error> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    let agent: ureq::Agent = config.timeout_global(Some(Duration::from_secs(60))).build().into();
    let request = ureq::http::Request::builder().method(method).uri(url).header("Idempotency-Key", key);
    let mut response = agent.run(request.body(body.to_string()).unwrap())?;
    Ok((response.status().as_u16(), response.body_mut().with_config().limit(1 << 30).read_to_vec()?))
}

fn get(address: &str, path: &str) -> Value {
    let (status, body) = send("GET", &format!("{address}{path}"), "unused", "").unwrap();
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

/// The files of a job's images, once it is done.
fn images(address: &str, id: &str) -> Vec<Vec<u8>> {
    let end = Instant::now() + Duration::from_secs(120);
    let report = loop {
        let report = get(address, &format!("/v1/jobs/{id}"));
        match report["state"].as_str().unwrap() {
            "done" => break report,
            "waiting" | "running" => assert!(Instant::now() < end, "{report}"),
            _ => panic!("{report}"),
        }
        thread::sleep(Duration::from_millis(20));
    };
    let urls = report["images"].as_array().unwrap().iter().map(|image| image["url"].as_str().unwrap());
    urls.map(|url| send("GET", &format!("{address}{url}"), "unused", "").unwrap().1).collect()
}

fn job(number: u64) -> Value {
    let request =
        json!({ "prompt": format!("house {number}"), "seed": 10 * number, "steps": 3, "width": 32, "height": 32 });
    json!({ "request": request, "count": 1 + number % 3 })
}

/// Jobs of the test below.
const JOBS: u64 = 10;
/// How often its server is killed.
const KILLS: u64 = 12;

#[test]
fn a_server_that_is_killed_again_and_again_loses_no_job_and_draws_none_twice() {
    let run = Run::new();
    let server = Mutex::new(Serving::start(&run, "killed"));
    let address = || server.lock().unwrap_or_else(PoisonError::into_inner).address.clone();
    let ids: BTreeMap<u64, String> = thread::scope(|scope| {
        let client = scope.spawn(|| {
            let submit = |number: u64| loop {
                // A client that has heard nothing asks again, under the same key.
                let sent =
                    send("POST", &format!("{}/v1/jobs", address()), &format!("job {number}"), &job(number).to_string());
                if let Ok((202 | 200, body)) = sent {
                    let report: Value = serde_json::from_slice(&body).unwrap();
                    break report["id"].as_str().unwrap().to_string();
                }
                thread::sleep(Duration::from_millis(10));
            };
            (0..JOBS).map(|number| (number, submit(number))).collect()
        });
        for kill in 0..KILLS {
            // From a few milliseconds, before the first job, to a few images.
            thread::sleep(Duration::from_millis(5 + kill * 7919 % 400));
            let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
            server.kill();
            *server = Serving::start(&run, "killed");
        }
        client.join().unwrap()
    });
    let undisturbed = Serving::start(&run, "undisturbed");
    for (number, id) in &ids {
        let body = job(*number).to_string();
        let key = format!("job {number}");
        let (_, body) = send("POST", &format!("{}/v1/jobs", undisturbed.address), &key, &body).unwrap();
        let report: Value = serde_json::from_slice(&body).unwrap();
        let expected = images(&undisturbed.address, report["id"].as_str().unwrap());
        let found = images(&address(), id);
        assert_eq!(found.len() as u64, 1 + number % 3, "job {number}");
        assert!(found.iter().all(|file| Image::decode(file).is_ok()), "job {number}");
        assert!(found == expected, "the images of job {number} are other files than those of an undisturbed server");
    }
    let all = get(&address(), "/v1/images?limit=500");
    let count: u64 = (0..JOBS).map(|number| 1 + number % 3).sum();
    assert_eq!(all["images"].as_array().unwrap().len() as u64, count);
}

#[test]
#[cfg(unix)]
fn sigterm_stops_a_server_and_the_next_draws_the_rest() {
    let run = Run::new();
    let mut server = Serving::start(&run, "store");
    let submit = |address: &str, key: &str| {
        let (status, body) = send("POST", &format!("{address}/v1/jobs"), key, &job(2).to_string()).unwrap();
        assert_eq!(status, 202);
        serde_json::from_slice::<Value>(&body).unwrap()["id"].as_str().unwrap().to_string()
    };
    let ids = ["a", "b", "c"].map(|key| submit(&server.address, key));
    let killed = Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let server = Serving::start(&run, "store");
    for id in ids {
        assert_eq!(images(&server.address, &id).len(), 3);
    }
}

#[test]
fn others_reach_a_server_only_with_a_key_or_if_that_is_said_aloud() {
    let run = Run::new();
    let output = run.sd(&["serve", "--host", "0.0.0.0", "--port", "0", "--store", "store"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("--api-key-file FILE, or --no-auth"), "{}", stderr(&output));
    std::fs::write(run.path("keys"), "short\n").unwrap();
    let output = run.sd(&["serve", "--host", "0.0.0.0", "--port", "0", "--store", "store", "--api-key-file", "keys"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("keys:1: the key has 5 characters"), "{}", stderr(&output));
}
