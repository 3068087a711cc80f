use std::collections::BTreeSet;
use std::io::{IsTerminal, stderr};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use sd_engine::Engine;
use sd_serve::{
    Artist, Failure as ArtistFailure, Keys, KeysError, Limits, Retention, ServeError, ServeOptions, Server,
};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::EnvFilter;

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::library_flags::LibraryFlags;
use crate::print::print;
use crate::progress::Progress;
use crate::reporter::ProgressKind;

/// Between two looks for a signal.
const LOOK: Duration = Duration::from_millis(100);

/// Draw for other programs, and for browsers.
///
/// The server speaks AUTOMATIC1111's interface (/sdapi/v1), OpenAI's (/v1/images) and one of its own with jobs that survive a restart
/// (/v1/jobs), and has a page at /. The first line on standard output is its address.
///
/// Requests name models and other files by their names in the given folders, and can reach no others.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Name or address to listen on
    ///
    /// Others than this machine's own, such as 0.0.0.0, need --api-key-file or --no-auth.
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on; 0 chooses a free one
    #[arg(long, value_name = "N", default_value_t = 7860)]
    port: u16,
    /// File of keys, one a line; requests then need one: as `Authorization: Bearer KEY`, `X-Api-Key: KEY` or a password
    #[arg(long, value_name = "FILE", help_heading = "Access", conflicts_with = "no_auth")]
    api_key_file: Option<PathBuf>,
    /// Let everybody draw who can reach the server, whatever name it is asked by
    #[arg(long, help_heading = "Access")]
    no_auth: bool,
    /// Origin whose pages may use the server, such as `https://example.org`; may be repeated
    #[arg(long, value_name = "ORIGIN", help_heading = "Access", value_parser = origin)]
    cors: Vec<String>,
    #[command(flatten)]
    library: LibraryFlags,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    limits: LimitFlags,
    /// Seconds that a running image has to finish once the server is told to stop; then it is left to the next start
    #[arg(long, value_name = "S", default_value_t = 30)]
    grace: u64,
    /// Form of the log on standard error; RUST_LOG chooses what is logged
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Log::Text)]
    log: Log,
}

/// What is kept, and where.
#[derive(clap::Args)]
struct StoreFlags {
    /// Folder of jobs and images [default: sd-burn/serve in the user's data folder]
    #[arg(long, value_name = "DIR", help_heading = "Store")]
    store: Option<PathBuf>,
    /// Finished jobs that are kept; the oldest go first
    #[arg(long, value_name = "N", default_value_t = Retention::default().jobs, help_heading = "Store")]
    keep_jobs: usize,
    /// Gigabytes of images that are kept
    #[arg(long, value_name = "GB", default_value_t = 10.0, help_heading = "Store", value_parser = positive)]
    keep_gb: f64,
    /// Days that finished jobs are kept [default: any time]
    #[arg(long, value_name = "DAYS", help_heading = "Store", value_parser = positive)]
    keep_days: Option<f64>,
}

/// What a request may ask for.
#[derive(clap::Args)]
struct LimitFlags {
    /// Jobs that may wait; one more is answered with 503
    #[arg(long, value_name = "N", default_value_t = 64, help_heading = "Limits", value_parser = clap::value_parser!(u32).range(1..))]
    queue: u32,
    /// Megabytes of a request
    #[arg(long, value_name = "MB", default_value_t = 64, help_heading = "Limits", value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_body: u32,
    /// Pixels of an image, drawn or sent
    #[arg(long, value_name = "N", default_value_t = Limits::default().pixels, help_heading = "Limits")]
    max_pixels: usize,
    /// Steps of an image, in all its passes
    #[arg(long, value_name = "N", default_value_t = Limits::default().steps, help_heading = "Limits")]
    max_steps: usize,
    /// Images of a job
    #[arg(long, value_name = "N", default_value_t = Limits::default().count, help_heading = "Limits")]
    max_count: u64,
    /// Seconds that the images of a job may take together
    #[arg(long, value_name = "S", default_value_t = Limits::default().job.as_secs(), help_heading = "Limits")]
    max_seconds: u64,
}

/// The form of the log.
#[derive(Clone, Copy, ValueEnum)]
enum Log {
    /// Lines for people
    Text,
    /// A JSON object in each line
    Json,
}

const EXAMPLES: &str = "\
Examples:
  sd serve                                                  # the built-in model at http://127.0.0.1:7860
  sd serve --models models --lora-dir loras --keep-models 2
  openssl rand -hex 32 > keys && sd serve --host 0.0.0.0 --api-key-file keys --models models
  curl http://127.0.0.1:7860/v1/jobs -d '{\"request\": {\"prompt\": \"a red house\"}}'

SIGTERM and Ctrl-C stop the server: the running image is finished, and jobs that wait are drawn after the next start.

Exit codes: 0 stopped, 1 failed, 2 wrong usage, 130 stopped at once by a second Ctrl-C or SIGTERM.";

/// Serves until a signal comes.
pub fn run(args: &Args) -> Result<(), Failure> {
    args.log.start();
    let address = args.address()?;
    let options = args.options(&address)?;
    let cancel = Cancel::on_ctrl_c();
    let engine = args.library.engine(&mut Progress::new(ProgressKind::Bar), &cancel)?;
    let (library, computing) = (Arc::clone(engine.library()), engine.options().clone());
    let (device, store) = (&computing.device, options.store.display().to_string());
    tracing::info!(device = device.name, hardware = device.hardware, store, "starting");
    let open = {
        let library = Arc::clone(&library);
        move || -> Result<Box<dyn Artist>, ArtistFailure> {
            Ok(Box::new(Engine::new(Arc::clone(&library), computing.clone())))
        }
    };
    let server = Server::new(options, library, open)?;
    runtime()?.block_on(async {
        let failed =
            |error: std::io::Error| Failure::new(format!("--host {} --port {}: {error}", args.host, args.port));
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        print(&format_args!("http://{}\n", listener.local_addr().map_err(failed)?));
        let stop = async move {
            while cancel.flow().is_continue() {
                tokio::time::sleep(LOOK).await;
            }
        };
        Ok(server.run(listener, stop).await?)
    })
}

/// The device has a thread of its own, so a few do for the rest.
fn runtime() -> Result<Runtime, Failure> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Failure::new(format!("threads for connections: {error}")))
}

impl Args {
    fn address(&self) -> Result<SocketAddr, Failure> {
        let wrong = |reason: &str| {
            Failure::usage(format!("--host {}: {reason}, expected an address or a name of this machine", self.host))
        };
        let mut found = (self.host.as_str(), self.port).to_socket_addrs().map_err(|error| wrong(&error.to_string()))?;
        let address = found.next().ok_or_else(|| wrong("it has no address"))?;
        if !address.ip().is_loopback() && self.api_key_file.is_none() && !self.no_auth {
            let message = "others can reach this address: give --api-key-file FILE, or --no-auth if everybody may draw";
            return Err(Failure::usage(format!("--host {}: {message}", self.host)));
        }
        Ok(address)
    }

    fn options(&self, address: &SocketAddr) -> Result<ServeOptions, Failure> {
        let keys = self.api_key_file.as_deref().map(Keys::read).transpose()?.unwrap_or_default();
        if self.no_auth {
            tracing::warn!("--no-auth: everybody who can reach {address} can draw, and see all images");
        }
        Ok(ServeOptions {
            store: self.store.folder()?,
            queue: self.limits.queue as usize,
            keys,
            loopback: address.ip().is_loopback() && !self.no_auth,
            cors: self.cors.iter().cloned().collect::<BTreeSet<_>>(),
            limits: self.limits.limits(),
            retention: self.store.retention(),
            grace: Duration::from_secs(self.grace),
            ..ServeOptions::default()
        })
    }
}

impl StoreFlags {
    fn folder(&self) -> Result<PathBuf, Failure> {
        let folder = self.store.clone().or_else(|| Some(data_folder()?.join("sd-burn").join("serve")));
        folder.ok_or_else(|| Failure::usage("--store: the user has no data folder: name one".into()))
    }

    fn retention(&self) -> Retention {
        Retention {
            jobs: self.keep_jobs,
            bytes: (self.keep_gb * 1e9) as u64,
            age: self.keep_days.map(|days| Duration::from_secs_f64((days * 86_400.0).min(1e12))),
        }
    }
}

impl LimitFlags {
    fn limits(&self) -> Limits {
        Limits {
            body: self.max_body as usize * 1_000_000,
            pixels: self.max_pixels,
            steps: self.max_steps,
            count: self.max_count,
            job: Duration::from_secs(self.max_seconds),
            ..Limits::default()
        }
    }
}

impl Log {
    /// Logs from now on.
    fn start(self) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,sd_serve=info,sd=info"));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
        match self {
            Self::Text => log.with_ansi(stderr().is_terminal()).init(),
            Self::Json => log.json().flatten_event(true).init(),
        }
    }
}

/// Where programs keep data of the user.
fn data_folder() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return folder("LOCALAPPDATA");
    }
    let beside_home = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
    folder("XDG_DATA_HOME").or_else(|| Some(std::env::home_dir()?.join(beside_home)))
}

/// An origin as browsers send it.
fn origin(text: &str) -> Result<String, String> {
    let is_origin = text.split_once("://").is_some_and(|(scheme, host)| {
        ["http", "https"].contains(&scheme) && !host.is_empty() && !host.contains(['/', '*', ' ', '?', '#'])
    });
    if is_origin {
        Ok(text.to_lowercase())
    } else {
        Err("expected an origin without a path, such as https://example.org".into())
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("expected a number above 0".into()),
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Self {
        Self::usage(format!("--api-key-file {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path_and_no_wildcard() {
        assert_eq!(origin("https://Example.org:8443"), Ok("https://example.org:8443".into()));
        for wrong in
            ["*", "example.org", "https://", "https://example.org/", "https://*.example.org", "file://x", "null"]
        {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
