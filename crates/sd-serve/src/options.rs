use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::Keys;

/// How a server behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct ServeOptions {
    /// The folder of the jobs and their images; made if it is not there.
    pub store: PathBuf,
    /// Jobs that may wait; one more is refused.
    pub queue: usize,
    /// Keys that clients may have. None: no key is asked for.
    pub keys: Keys,
    /// Whether the address is one of this machine alone; then requests for other hosts are refused, as no name on the web may stand for
    /// this machine.
    pub loopback: bool,
    /// Origins, such as `https://example.org`, whose pages may use the server.
    pub cors: BTreeSet<String>,
    /// What a request may ask for.
    pub limits: Limits,
    /// What is kept of finished jobs.
    pub retention: Retention,
    /// How long the running image may take once the server is told to stop.
    pub grace: Duration,
    /// How long a client keeps the device before it is another's turn. An image is never interrupted for that.
    pub turn: Duration,
}

/// What a request may ask for.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body: usize,
    /// Pixels of an image, drawn or sent.
    pub pixels: usize,
    /// Steps of all passes of an image.
    pub steps: usize,
    /// Images of a job.
    pub count: u64,
    /// Time that the images of a job may take together.
    pub job: Duration,
    /// Time in which a request must have arrived.
    pub request: Duration,
}

/// What is kept of finished jobs; the oldest go first. Jobs that are not finished always stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Retention {
    /// Finished jobs.
    pub jobs: usize,
    /// Bytes of images.
    pub bytes: u64,
    /// The age of a finished job; none is any.
    pub age: Option<Duration>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            store: PathBuf::from("sd-burn-store"),
            queue: 64,
            keys: Keys::default(),
            loopback: true,
            cors: BTreeSet::new(),
            limits: Limits::default(),
            retention: Retention::default(),
            grace: Duration::from_secs(30),
            turn: Duration::from_secs(10),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Four images of 2048² as PNG, in base64.
            body: 64 << 20,
            pixels: 4096 * 4096,
            steps: 1000,
            count: 100,
            job: Duration::from_secs(3600),
            request: Duration::from_secs(60),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { jobs: 10_000, bytes: 10 << 30, age: None }
    }
}
