use std::io;
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::cache::{Repository, if_exists, model_path};
use crate::client::{Client, Failed};
use crate::download::{Download, download};
use crate::select_files::select_files;
use crate::{HubError, ModelId};

/// The longest silence of the hub by default, as in Python.
const SILENCE: Duration = Duration::from_secs(10);
/// The longest time between two calls of the watcher.
const OFTEN: Duration = Duration::from_millis(100);

/// The hub, and the cache of what was downloaded from it.
#[derive(Debug, Clone)]
pub struct Hub {
    endpoint: String,
    cache: PathBuf,
    token: Option<String>,
    offline: bool,
    silence: [Duration; 2],
}

/// The location of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its folder in the cache, or its single file.
    pub path: PathBuf,
    /// Why the hub could not be asked for a newer version, if so.
    pub unreached: Option<String>,
}

/// Watches downloads and can stop them. It is called several times a second, even while nothing arrives; before the first
/// download with `None`.
pub type Watch<'a> = dyn FnMut(Option<&Download>) -> ControlFlow<()> + 'a;

/// A message of the thread that talks to the hub.
enum Event {
    Download(Download),
    Done(Result<Found, HubError>),
}

impl Hub {
    /// Creates a hub at `endpoint`, such as `https://huggingface.co`, with a cache in Python's layout and optionally a token.
    pub fn new(endpoint: &str, cache: &Path, token: Option<&str>) -> Self {
        let endpoint = endpoint.trim_end_matches('/').to_string();
        let (cache, token) = (cache.to_path_buf(), token.map(str::to_string));
        Self { endpoint, cache, token, offline: false, silence: [SILENCE; 2] }
    }

    /// Creates the hub that the environment configures, as in Python: with `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`,
    /// `HF_TOKEN` or the file that `hf auth login` writes, `HF_HUB_OFFLINE`, `HF_HUB_ETAG_TIMEOUT` and
    /// `HF_HUB_DOWNLOAD_TIMEOUT`.
    ///
    /// # Errors
    ///
    /// [`HubError::Io`] if there is no home folder or the token cannot be read, and [`HubError::Setting`] for a time that is
    /// not a positive number of seconds.
    pub fn from_env() -> Result<Self, HubError> {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let home = || std::env::home_dir().map(|home| home.join(".cache").join("huggingface"));
        let home = variable("HF_HOME").map(PathBuf::from).or_else(home).ok_or_else(|| HubError::Io {
            file: ".cache/huggingface".into(),
            source: io::Error::other("there is no home folder: set HF_HOME"),
        })?;
        let token = match variable("HF_TOKEN") {
            Some(token) => Some(token),
            // A service may have `/dev/null` as its home.
            None if !home.is_dir() => None,
            None => if_exists(&home.join("token"), std::fs::read_to_string(home.join("token")))?,
        };
        let token = token.map(|token| token.trim().to_string());
        let cache = variable("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from);
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        let is_set = |value: String| ["1", "true", "yes", "on"].contains(&value.to_lowercase().as_str());
        let silence = |name| variable(name).map_or(Ok(SILENCE), |value| seconds(name, value));
        let hub = Self::new(&endpoint, &cache, token.as_deref().filter(|token| !token.is_empty()))
            .with_patience(silence("HF_HUB_ETAG_TIMEOUT")?, silence("HF_HUB_DOWNLOAD_TIMEOUT")?);
        Ok(if variable("HF_HUB_OFFLINE").is_some_and(is_set) { hub.offline() } else { hub })
    }

    /// Uses only the cache.
    #[must_use]
    pub fn offline(self) -> Self {
        Self { offline: true, ..self }
    }

    /// Sets the silence after which requests for metadata and downloads of files are given up. Both are 10 s by default.
    #[must_use]
    pub fn with_patience(self, asking: Duration, loading: Duration) -> Self {
        Self { silence: [asking, loading], ..self }
    }

    /// Downloads the missing files of a model, and returns its folder in the cache, or its single file.
    ///
    /// If the hub cannot be reached or stays silent, it returns what the cache has of this revision. Files are checked
    /// against the hub's checksums. An interrupted download resumes where it stopped. It ends as soon as `watch` breaks.
    ///
    /// # Errors
    ///
    /// [`HubError`], except [`HubError::Name`] and [`HubError::Setting`].
    pub fn fetch(&self, model: &ModelId, watch: &mut Watch) -> Result<Found, HubError> {
        // Without a buffer: the download waits until the watcher has seen its progress.
        let (sender, events) = sync_channel(0);
        let (hub, name) = (self.clone(), model.clone());
        // A separate thread can wait for an answer while the watcher is called. It ends when the receiver is dropped.
        thread::spawn(move || {
            let report = |download| sender.send(Event::Download(download)).map_err(|_| HubError::Cancelled);
            let found = hub.find(&name, &report);
            let _ = sender.send(Event::Done(found));
        });
        let mut last = None;
        loop {
            match events.recv_timeout(OFTEN) {
                Ok(Event::Done(found)) => return found,
                Ok(Event::Download(download)) => last = Some(download),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = "it cannot be interpreted".into();
                    return Err(HubError::Answer { model: model.to_string(), reason });
                }
            }
            if watch(last.as_ref()).is_break() {
                return Err(HubError::Cancelled);
            }
        }
    }

    fn find(&self, model: &ModelId, report: &dyn Fn(Download) -> Result<(), HubError>) -> Result<Found, HubError> {
        let repository = Repository::new(&self.cache, model);
        let cached = |reason: String| match repository.model(model)? {
            Some(path) => Ok(Found { path, unreached: Some(reason).filter(|_| !self.offline) }),
            None => {
                let cache = self.cache.display().to_string();
                Err(HubError::Offline { model: model.to_string(), reason, cache })
            }
        };
        if self.offline {
            return cached("HF_HUB_OFFLINE is set".into());
        }
        let client = Client::new(&self.endpoint, self.token.as_deref(), self.silence);
        let info = match client.info(model) {
            Ok(info) => info,
            Err(Failed::Unreached(reason)) => return cached(reason),
            Err(Failed::For(error)) => return Err(error),
            Err(Failed::NothingLeft) => return cached("status 416".into()),
        };
        if let Some(bad) = info.files.iter().chain([&info.commit]).find(|file| !is_inside(file)) {
            let reason = format!("it names a file {bad:?}");
            return Err(HubError::Answer { model: model.to_string(), reason });
        }
        let select = |files: &[String]| {
            select_files(files).map_err(|reason| HubError::Files { model: model.to_string(), reason })
        };
        let snapshot = repository.snapshot(&info.commit);
        let (needed, path) = match &model.file {
            Some(file) if info.files.contains(file) => (vec![file.clone()], snapshot.join(file)),
            // One of its folders.
            Some(folder) => {
                let start = format!("{folder}/");
                let inside = info.files.iter().filter_map(|file| file.strip_prefix(&start)).map(str::to_string);
                let inside: Vec<String> = inside.collect();
                if inside.is_empty() {
                    return Err(HubError::Missing { model: model.to_string(), page: client.page(model) });
                }
                let needed = select(&inside)?;
                let path = model_path(&snapshot.join(folder), &needed);
                (needed.iter().map(|file| format!("{start}{file}")).collect(), path)
            }
            None => {
                let needed = select(&info.files)?;
                let path = model_path(&snapshot, &needed);
                (needed, path)
            }
        };
        for file in needed.iter().filter(|file| !snapshot.join(file).is_file()) {
            download(&client, &repository, model, file, report)?;
            if !snapshot.join(file).is_file() {
                let reason = "the repository has changed meanwhile: run the same command again".into();
                return Err(HubError::Answer { model: model.to_string(), reason });
            }
        }
        Ok(Found { path, unreached: None })
    }
}

/// Parses a time of the environment.
fn seconds(name: &'static str, value: String) -> Result<Duration, HubError> {
    let seconds = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or(HubError::Setting { name, value })
}

/// Whether a name stays inside its folder.
fn is_inside(name: &str) -> bool {
    let path = Path::new(name);
    !name.contains('\\') && path.components().all(|part| matches!(part, Component::Normal(_))) && !name.is_empty()
}
