//! A server of a test, and its clients.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sd_engine::{Library, LibraryFolders};
use sd_serve::{ServeOptions, Server};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::fake::Fake;

/// A server with a fake artist. It stops when it is dropped.
pub struct Served {
    pub fake: Arc<Fake>,
    pub address: SocketAddr,
    /// A key that requests send, if there is one.
    pub key: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    folder: Arc<TempDir>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Served {
    /// A server with default options and a store of its own.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A server with other options.
    pub fn with(change: impl FnOnce(&mut ServeOptions)) -> Self {
        Self::start(Arc::new(TempDir::new().unwrap()), Arc::default(), change)
    }

    /// Stops the server, and starts another on the same store.
    pub fn restarted(mut self, change: impl FnOnce(&mut ServeOptions)) -> Self {
        self.stop();
        Self::start(Arc::clone(&self.folder), Arc::default(), change)
    }

    /// Why a second server on the same store does not start.
    pub fn refused(&self) -> String {
        let options = ServeOptions { store: self.store(), ..ServeOptions::default() };
        let (library, fake) = (Arc::new(Library::new(LibraryFolders::default()).unwrap()), Arc::clone(&self.fake));
        Server::new(options, library, move || fake.open()).err().expect("a refusal").to_string()
    }

    fn start(folder: Arc<TempDir>, fake: Arc<Fake>, change: impl FnOnce(&mut ServeOptions)) -> Self {
        let mut options =
            ServeOptions { store: folder.path().join("store"), turn: Duration::ZERO, ..ServeOptions::default() };
        change(&mut options);
        let library = Arc::new(Library::new(LibraryFolders::default()).unwrap());
        let artists = Arc::clone(&fake);
        let server = Server::new(options, library, move || artists.open()).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (started, start) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                started.send(listener.local_addr().unwrap()).unwrap();
                server.run(listener, async { drop(stopped.await) }).await.unwrap();
            });
        });
        let address = start.recv().unwrap();
        Self { fake, address, key: None, stop: Some(stop), thread: Some(thread), folder }
    }

    /// Tells the server to stop, and waits until it has.
    pub fn stop(&mut self) {
        self.tell_to_stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// Tells the server to stop.
    pub fn tell_to_stop(&mut self) {
        self.stop = None;
    }

    /// The folder of the store.
    pub fn store(&self) -> std::path::PathBuf {
        self.folder.path().join("store")
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a request with headers and a body, and returns whatever is answered.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(key) = &self.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let mut response = agent().run(request.body(body).unwrap()).unwrap();
        let bytes = response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), bytes }
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, &[], &[]).json()
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes()).json()
    }

    pub fn delete(&self, path: &str) -> (u16, Value) {
        self.send("DELETE", path, &[], &[]).json()
    }

    /// Submits a job, and returns its name.
    pub fn submit(&self, job: &Value) -> String {
        let (status, report) = self.post("/v1/jobs", job);
        assert_eq!(status, 202, "{report}");
        report["id"].as_str().unwrap().to_string()
    }

    /// Waits until a job is finished.
    pub fn finished(&self, id: &str) -> Value {
        let ended = |report: &Value| ["done", "failed", "cancelled"].contains(&report["state"].as_str().unwrap_or(""));
        self.wait(&format!("/v1/jobs/{id}"), ended)
    }

    /// Asks until the answer is as wanted.
    pub fn wait(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let (_, answer) = self.get(path);
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < end, "{path} stays {answer}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends bytes as they are, and returns whatever comes back until the server closes the connection or nothing comes for so long.
    pub fn raw(&self, bytes: &[u8], patience: Duration) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(patience)).unwrap();
        // The server may close before it has read all.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The events of a job, to the end of the stream: names, ids and data.
    pub fn events(&self, id: &str, headers: &[(&str, &str)]) -> Vec<(String, String, Value)> {
        let answer = self.send("GET", &format!("/v1/jobs/{id}/events"), headers, &[]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = answer.text();
        let field = |event: &str, name: &str| {
            event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_string()
        };
        let events = text.split("\n\n").filter(|event| event.contains("event:"));
        events
            .map(|event| {
                let data = serde_json::from_str(&field(event, "data:")).unwrap();
                (field(event, "event:"), field(event, "id:"), data)
            })
            .collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tell_to_stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the server panicked");
        }
    }
}

impl Answer {
    pub fn json(&self) -> (u16, Value) {
        (self.status, serde_json::from_slice(&self.bytes).unwrap_or_else(|_| Value::String(self.text())))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    config.timeout_global(Some(Duration::from_secs(60))).build().into()
}

/// Waits until something is so.
pub fn eventually(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "it never is");
        thread::sleep(Duration::from_millis(5));
    }
}

/// All files of a folder.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}
