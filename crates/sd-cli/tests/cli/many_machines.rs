//! Workers in processes of their own, which are killed, with a server that is killed, too.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sd_golden::NatsServer;

use crate::{Run, stderr, stdout};

/// Images of the built-in model, each of a step or two.
const IMAGES: usize = 200;

const JOBS: &str = concat!(
    r#"{"prompt": "a red house by the sea", "steps": 1, "seed": 5, "count": 120}"#,
    "\n",
    r#"{"prompt": "a snowy mountain at night", "steps": 2, "sampler": "euler", "count": 80}"#,
    "\n"
);

/// A worker, which is started again when it was killed.
struct Worker<'a> {
    run: &'a Run,
    server: &'a str,
    process: Child,
}

impl<'a> Worker<'a> {
    fn start(run: &'a Run, server: &'a str) -> Self {
        let flags =
            ["worker", "--nats", server, "--dead-after", "2", "--tries", "20", "--threads", "1", "--device", "flex"];
        let mut command = run.command(&flags);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { run, server, process }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        *self = Self::start(self.run, self.server);
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Files of a folder, with their bytes.
fn files(run: &Run, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(run.path(folder)) else { return BTreeMap::new() };
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

#[test]
fn workers_and_the_server_may_be_killed_and_every_image_is_there_once_as_one_machine_draws_it() {
    let (run, mut server) = (Run::new(), NatsServer::start());
    std::fs::write(run.path("jobs.jsonl"), JOBS).unwrap();
    let url = server.url();
    let sent = run.sd(&["batch", "jobs.jsonl", "--nats", &url, "--dead-after", "2"]);
    assert!(sent.status.success(), "{}", stderr(&sent));
    assert!(stdout(&sent).contains("200 images queued"), "{}", stdout(&sent));
    let mut workers = [(); 3].map(|()| Worker::start(&run, &url));
    let watch = ["batch", "jobs.jsonl", "--nats", &url, "--watch", "--output", "many"];
    let mut watcher = run.command(&watch).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();

    // A generator of our own, so that the same things happen in each run.
    let mut state: u64 = 26;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (mut killed, mut restarted, until) = (0, 0, Instant::now() + Duration::from_secs(300));
    let ended = loop {
        sleep(Duration::from_millis(300 + random(500)));
        if let Some(ended) = watcher.try_wait().unwrap() {
            break ended;
        }
        assert!(Instant::now() < until, "{} of {IMAGES} images after five minutes", files(&run, "many").len());
        // The last images are drawn in peace, or a slow machine would never come to them.
        if killed < 15 {
            workers[random(3) as usize].kill();
            killed += 1;
        }
        if killed % 5 == 4 && restarted < 3 {
            server.kill();
            sleep(Duration::from_millis(random(500)));
            server.restart();
            restarted += 1;
        }
    };
    let mut said = String::new();
    std::io::Read::read_to_string(&mut watcher.stderr.take().unwrap(), &mut said).unwrap();
    assert!(ended.success(), "{said}");
    assert!(killed >= 5 && restarted >= 1, "{killed} workers were killed, the server {restarted} times");
    drop(workers);

    let one = run.sd(&["batch", "jobs.jsonl", "--output", "one", "--device", "flex", "--progress", "none"]);
    assert!(one.status.success(), "{}", stderr(&one));
    let (one, many) = (files(&run, "one"), files(&run, "many"));
    assert_eq!(one.len(), IMAGES);
    assert!(one.keys().eq(many.keys()), "each image is there once, and nothing else");
    let differing: Vec<&String> =
        one.iter().filter(|(name, bytes)| many[*name] != **bytes).map(|(name, _)| name).collect();
    assert_eq!(differing, [""; 0]);
}

#[test]
fn a_worker_draws_from_its_own_folders_and_gives_up_what_it_has_not() {
    let (run, server) = (Run::new(), NatsServer::start());
    let url = server.url();
    let jobs = ["sd15", "/etc/passwd", "../model"]
        .map(|model| format!(r#"{{"prompt": "x", "steps": 1, "model": "{model}"}}"#));
    std::fs::write(run.path("jobs.jsonl"), jobs.join("\n")).unwrap();
    let worker =
        run.command(&["worker", "--nats", &url, "--tries", "1"]).stderr(Stdio::null()).stdout(Stdio::null()).spawn();
    let mut worker = worker.unwrap();
    let watched = run.sd(&["batch", "jobs.jsonl", "--nats", &url, "--watch", "--output", "out"]);
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!(watched.status.code(), Some(1), "{}", stderr(&watched));
    let failed = String::from_utf8(run.read("out/failed.jsonl")).unwrap();
    assert_eq!(failed.lines().count(), 3);
    assert!(failed.lines().all(|line| line.contains("the job names the model")), "{failed}");
}

#[test]
fn sigterm_makes_a_worker_give_its_job_back_and_end() {
    let (run, server) = (Run::new(), NatsServer::start());
    let url = server.url();
    std::fs::write(run.path("jobs.jsonl"), r#"{"prompt": "x", "steps": 900}"#).unwrap();
    assert!(run.sd(&["batch", "jobs.jsonl", "--nats", &url]).status.success());
    let mut command = run.command(&["worker", "--nats", &url, "--progress", "json"]);
    let mut worker = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(worker.stdout.take().unwrap()));
    let begun = lines.find(|line| line.as_ref().unwrap().contains("\"begun\""));
    assert!(begun.is_some());
    let killed = std::process::Command::new("kill").arg(worker.id().to_string()).status().unwrap();
    assert!(killed.success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(worker.wait().unwrap().success());
    assert!(rest.iter().any(|line| line.contains("\"returned\"")), "{rest:?}");
}

#[test]
fn a_server_that_is_not_there_is_named_without_its_secrets() {
    let run = Run::new();
    std::fs::write(run.path("jobs.jsonl"), r#"{"prompt": "x"}"#).unwrap();
    for url in ["nats://ann:secret@127.0.0.1:1", "http://secret@x", "secret@"] {
        let output = run.sd(&["batch", "jobs.jsonl", "--nats", url]);
        let message = stderr(&output);
        assert!(!output.status.success() && !message.contains("secret"), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
