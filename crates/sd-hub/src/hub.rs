use std::io;
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::cache::{Repository, model_in, there};
use crate::client::{Client, Failed};
use crate::download::download;
use crate::needed::needed;
use crate::{HubError, Wanted};

/// How long silence is waited for, unless the environment says otherwise: as in Python.
const SILENCE: Duration = Duration::from_secs(10);
/// How often the watcher is asked at least.
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

/// How far a download is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The file's name in the repository.
    pub file: String,
    /// Bytes that arrived, now or at an earlier try.
    pub done: u64,
    /// Bytes of the file.
    pub total: u64,
}

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its folder in the cache, or its single file.
    pub path: PathBuf,
    /// Why the hub could not be asked whether there is a newer one, if it could not.
    pub unreached: Option<String>,
}

/// What sees downloads, and can stop them: it is asked several times a second, also while nothing arrives, and is told nothing
/// before a first download.
pub type Watch<'a> = dyn FnMut(Option<&Download>) -> ControlFlow<()> + 'a;

/// What the thread that speaks to the hub says.
enum Event {
    Download(Download),
    Done(Result<Found, HubError>),
}

impl Hub {
    /// The one at `endpoint`, such as `https://huggingface.co`, with a cache in Python's layout and maybe a user's token.
    pub fn new(endpoint: &str, cache: &Path, token: Option<&str>) -> Self {
        let endpoint = endpoint.trim_end_matches('/').to_string();
        let (cache, token) = (cache.to_path_buf(), token.map(str::to_string));
        Self { endpoint, cache, token, offline: false, silence: [SILENCE; 2] }
    }

    /// The one that the environment says, as Python's programs read it: `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`,
    /// `HF_TOKEN` or the file that `hf auth login` writes, `HF_HUB_OFFLINE`, `HF_HUB_ETAG_TIMEOUT` and
    /// `HF_HUB_DOWNLOAD_TIMEOUT`.
    ///
    /// # Errors
    ///
    /// [`HubError::Io`] if neither these nor the system say where the home folder is, or if the token cannot be read, and
    /// [`HubError::Setting`] for a time that is none.
    pub fn from_env() -> Result<Self, HubError> {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let home = || std::env::home_dir().map(|home| home.join(".cache").join("huggingface"));
        let home = variable("HF_HOME").map(PathBuf::from).or_else(home).ok_or_else(|| HubError::Io {
            file: ".cache/huggingface".into(),
            source: io::Error::other("there is no home folder: set HF_HOME"),
        })?;
        let token = match variable("HF_TOKEN") {
            Some(token) => Some(token),
            // Services may have `/dev/null` for a home.
            None if !home.is_dir() => None,
            None => there(&home.join("token"), std::fs::read_to_string(home.join("token")))?,
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

    /// The same without a connection: what is in the cache.
    #[must_use]
    pub fn offline(self) -> Self {
        Self { offline: true, ..self }
    }

    /// The same with other times after which a silent hub is given up: for questions, and for files. Both are 10 s by default.
    #[must_use]
    pub fn with_patience(self, asking: Duration, loading: Duration) -> Self {
        Self { silence: [asking, loading], ..self }
    }

    /// The folder of a model in the cache, or its single file, after what is missing of it was downloaded.
    ///
    /// Where the hub cannot be reached or stays silent, it is what the cache has of this revision. What arrives is compared with
    /// the hub's checksums. A download that is cut off goes on where it stopped. As soon as `watch` says so, this ends.
    ///
    /// # Errors
    ///
    /// [`HubError`], of every kind but [`HubError::Name`] and [`HubError::Setting`].
    pub fn fetch(&self, wanted: &Wanted, watch: &mut Watch) -> Result<Found, HubError> {
        // Without room in between: what the watcher has not seen is not gone on from.
        let (sender, events) = sync_channel(0);
        let (hub, name) = (self.clone(), wanted.clone());
        // On a thread of its own, which may wait for an answer while the watcher is asked. It ends when nobody listens.
        thread::spawn(move || {
            let tell = |download| sender.send(Event::Download(download)).map_err(|_| HubError::Cancelled);
            let found = hub.found(&name, &tell);
            let _ = sender.send(Event::Done(found));
        });
        let mut last = None;
        loop {
            match events.recv_timeout(OFTEN) {
                Ok(Event::Done(found)) => return found,
                Ok(Event::Download(download)) => last = Some(download),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = "it is not understood".into();
                    return Err(HubError::Answer { wanted: wanted.to_string(), reason });
                }
            }
            if watch(last.as_ref()).is_break() {
                return Err(HubError::Cancelled);
            }
        }
    }

    fn found(&self, wanted: &Wanted, tell: &dyn Fn(Download) -> Result<(), HubError>) -> Result<Found, HubError> {
        let repository = Repository::of(&self.cache, wanted);
        let cached = |reason: String| match repository.model(wanted)? {
            Some(path) => Ok(Found { path, unreached: Some(reason).filter(|_| !self.offline) }),
            None => {
                let cache = self.cache.display().to_string();
                Err(HubError::Offline { wanted: wanted.to_string(), reason, cache })
            }
        };
        if self.offline {
            return cached("HF_HUB_OFFLINE is set".into());
        }
        let client = Client::new(&self.endpoint, self.token.as_deref(), self.silence);
        let info = match client.info(wanted) {
            Ok(info) => info,
            Err(Failed::Unreached(reason)) => return cached(reason),
            Err(Failed::For(error)) => return Err(error),
            Err(Failed::NothingLeft) => return cached("status 416".into()),
        };
        if let Some(bad) = info.files.iter().chain([&info.commit]).find(|file| !is_inside(file)) {
            let reason = format!("it names a file {bad:?}");
            return Err(HubError::Answer { wanted: wanted.to_string(), reason });
        }
        let needed = match &wanted.file {
            Some(file) if info.files.contains(file) => vec![file.clone()],
            Some(_) => return Err(HubError::Missing { wanted: wanted.to_string(), page: client.page(wanted) }),
            None => needed(&info.files).map_err(|reason| HubError::Files { wanted: wanted.to_string(), reason })?,
        };
        let snapshot = repository.snapshot(&info.commit);
        for file in needed.iter().filter(|file| !snapshot.join(file).is_file()) {
            download(&client, &repository, wanted, file, tell)?;
            if !snapshot.join(file).is_file() {
                let reason = "it has changed meanwhile: run the same command again".into();
                return Err(HubError::Answer { wanted: wanted.to_string(), reason });
            }
        }
        Ok(Found { path: model_in(&snapshot, &needed), unreached: None })
    }
}

/// A time that the environment says.
fn seconds(name: &'static str, value: String) -> Result<Duration, HubError> {
    let seconds = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or(HubError::Setting { name, value })
}

/// Whether a name stays in the folder that it is in.
fn is_inside(name: &str) -> bool {
    let path = Path::new(name);
    !name.contains('\\') && path.components().all(|part| matches!(part, Component::Normal(_))) && !name.is_empty()
}
