use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use hf_hub::api::Progress;
use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use crate::checksum::checksum;
use crate::needed::needed;
use crate::{HubError, Wanted};

/// How often a download that was cut off is taken up again: here, because the hub's crate would begin again at the start of
/// the file and write behind what had arrived before.
const RETRIES: u32 = 3;
/// Before the first time; twice as long before each one after it.
const PAUSE: Duration = Duration::from_millis(300);

/// The hub, and the cache of what was downloaded from it.
#[derive(Debug, Clone)]
pub struct Hub {
    endpoint: String,
    cache: PathBuf,
    token: Option<String>,
    offline: bool,
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

/// What sees downloads, and can stop them.
pub type Watch<'a> = dyn FnMut(&Download) -> ControlFlow<()> + 'a;

impl Hub {
    /// The one at `endpoint`, such as `https://huggingface.co`, with a cache in Python's layout and maybe a user's token.
    pub fn new(endpoint: &str, cache: &Path, token: Option<&str>) -> Self {
        let endpoint = endpoint.trim_end_matches('/').to_string();
        Self { endpoint, cache: cache.to_path_buf(), token: token.map(str::to_string), offline: false }
    }

    /// The one that the environment says, as Python's programs read it: `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`,
    /// `HF_TOKEN` or the file that `hf auth login` writes, `HF_HUB_OFFLINE`.
    ///
    /// # Errors
    ///
    /// [`HubError::Io`] if neither these nor the system say where the home folder is.
    pub fn from_env() -> Result<Self, HubError> {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        let home = || std::env::home_dir().map(|home| home.join(".cache").join("huggingface"));
        let home = variable("HF_HOME").map(PathBuf::from).or_else(home).ok_or_else(|| HubError::Io {
            file: ".cache/huggingface".into(),
            source: io::Error::other("there is no home folder: set HF_HOME"),
        })?;
        let saved = || std::fs::read_to_string(home.join("token")).ok();
        let token = variable("HF_TOKEN").or_else(saved).map(|token| token.trim().to_string());
        let cache = variable("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from);
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        let is_set = |value: String| ["1", "true", "yes", "on"].contains(&value.to_lowercase().as_str());
        let hub = Self::new(&endpoint, &cache, token.as_deref().filter(|token| !token.is_empty()));
        Ok(if variable("HF_HUB_OFFLINE").is_some_and(is_set) { hub.offline() } else { hub })
    }

    /// The same without a connection: what is in the cache.
    pub fn offline(self) -> Self {
        Self { offline: true, ..self }
    }

    /// The folder of a model in the cache, or its single file, after what is missing of it was downloaded.
    ///
    /// Where the hub cannot be reached, it is what the cache has of this revision. What arrives is compared with the hub's
    /// checksums. A download that is cut off goes on where it stopped.
    ///
    /// # Errors
    ///
    /// [`HubError`], of every kind but [`HubError::Name`].
    pub fn fetch(&self, wanted: &Wanted, watch: &mut Watch) -> Result<PathBuf, HubError> {
        let cached = Cache::new(self.cache.clone()).repo(repo(wanted));
        if self.offline {
            return self.cached(wanted, &cached, "HF_HUB_OFFLINE is set".into());
        }
        let api = ApiBuilder::from_cache(Cache::new(self.cache.clone()))
            .with_endpoint(self.endpoint.clone())
            .with_token(self.token.clone())
            .with_user_agent("sd-burn", env!("CARGO_PKG_VERSION"));
        let api = api.build().map_err(|error| self.answer(wanted, &error))?.repo(repo(wanted));
        let info = match caught(|| api.info())? {
            Ok(info) => info,
            Err(error) => {
                return match self.failed(wanted, error) {
                    Failed::Unreached(reason) => self.cached(wanted, &cached, reason),
                    Failed::For(error) => Err(error),
                };
            }
        };
        let files: Vec<String> = info.siblings.into_iter().map(|file| file.rfilename).collect();
        if let Some(bad) = files.iter().chain([&info.sha]).find(|file| !is_inside(file)) {
            return Err(self.answer(wanted, &format!("it names a file {bad:?}")));
        }
        let needed = match &wanted.file {
            Some(file) if files.contains(file) => vec![file.clone()],
            Some(_) => return Err(HubError::Missing { wanted: wanted.to_string(), page: self.page(wanted) }),
            None => needed(&files).map_err(|reason| HubError::Files { wanted: wanted.to_string(), reason })?,
        };
        let snapshot = cached.pointer_path(&info.sha);
        for file in needed.iter().filter(|file| !snapshot.join(file).is_file()) {
            self.download(wanted, &api, &cached, file, watch)?;
            if !snapshot.join(file).is_file() {
                return Err(self.answer(wanted, &"it has changed meanwhile: run the same command again"));
            }
        }
        Ok(model_in(&snapshot, &needed))
    }

    /// What the cache has, if all that its files say is needed is there.
    fn cached(&self, wanted: &Wanted, cached: &CacheRepo, reason: String) -> Result<PathBuf, HubError> {
        // A branch or a tag is a file that says the commit; a commit is its own name.
        let folder = cached.pointer_path("");
        let refs = folder.parent().map(|repository| repository.join("refs").join(&wanted.revision));
        let commit = refs.and_then(|file| std::fs::read_to_string(file).ok());
        let commit = commit.map_or_else(|| wanted.revision.clone(), |text| text.trim().to_string());
        let snapshot = folder.join(commit);
        let found = match &wanted.file {
            Some(file) => Some(snapshot.join(file)).filter(|file| file.is_file()),
            None => needed(&names(&snapshot)).ok().map(|needed| model_in(&snapshot, &needed)),
        };
        let cache = self.cache.display().to_string();
        found.ok_or_else(|| HubError::Offline { wanted: wanted.to_string(), reason, cache })
    }

    fn download(
        &self,
        wanted: &Wanted,
        api: &ApiRepo,
        cached: &CacheRepo,
        file: &str,
        watch: &mut Watch,
    ) -> Result<(), HubError> {
        let (mut tries, mut dropped) = (0, false);
        let pointer = loop {
            let seen = Seen { watch: &mut *watch, download: Download { file: file.to_string(), done: 0, total: 0 } };
            let error = match caught(|| api.download_with_progress(file, seen))? {
                Ok(pointer) => break pointer,
                Err(error) => error,
            };
            if cannot_go_on(&error) && !dropped {
                remove_parts(cached);
                dropped = true;
                continue;
            }
            match self.failed(wanted, error) {
                Failed::Unreached(_) if tries < RETRIES => std::thread::sleep(PAUSE * 2_u32.pow(tries)),
                Failed::Unreached(reason) => return Err(HubError::Broken { file: file.to_string(), reason }),
                Failed::For(error) => return Err(error),
            }
            tries += 1;
        };
        let io = |source| HubError::Io { file: pointer.clone(), source };
        // The pointer is a link to a file that is called by its checksum.
        let blob = pointer.canonicalize().map_err(io)?;
        let expected = blob.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        match checksum(&blob, &expected).map_err(io)? {
            Some(found) if found != expected => {
                std::fs::remove_file(&pointer).and_then(|()| std::fs::remove_file(&blob)).map_err(io)?;
                Err(HubError::Checksum { file: file.to_string(), expected, found })
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, wanted: &Wanted, error: ApiError) -> Failed {
        let (name, page) = (wanted.to_string(), self.page(wanted));
        match error {
            ApiError::RequestError(error) => match *error {
                ureq::Error::StatusCode(401 | 403) => Failed::For(HubError::Denied { wanted: name, page }),
                ureq::Error::StatusCode(404) => Failed::For(HubError::Missing { wanted: name, page }),
                ureq::Error::StatusCode(code) if code < 500 => {
                    Failed::For(self.answer(wanted, &format!("status {code}")))
                }
                error => Failed::Unreached(error.to_string()),
            },
            ApiError::IoError(error) => Failed::Unreached(error.to_string()),
            ApiError::LockAcquisition(file) => Failed::For(HubError::Io {
                file,
                source: io::Error::other("another program downloads this file: wait for it"),
            }),
            error => Failed::For(self.answer(wanted, &error)),
        }
    }

    fn answer(&self, wanted: &Wanted, reason: &dyn std::fmt::Display) -> HubError {
        HubError::Answer { wanted: wanted.to_string(), reason: reason.to_string() }
    }

    fn page(&self, wanted: &Wanted) -> String {
        format!("{}/{}", self.endpoint, wanted.repository)
    }
}

/// How a request failed.
enum Failed {
    /// It did not arrive.
    Unreached(String),
    For(HubError),
}

/// Whether what had arrived before is too much to go on from: the file has ended there, or was another one.
fn cannot_go_on(error: &ApiError) -> bool {
    match error {
        ApiError::InvalidResume => true,
        ApiError::RequestError(error) => matches!(**error, ureq::Error::StatusCode(416)),
        _ => false,
    }
}

/// Removes what arrived of unfinished downloads; that it could not be is found out by the next try.
fn remove_parts(cached: &CacheRepo) {
    let blobs = cached.blob_path("");
    for entry in blobs.read_dir().into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "part") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn repo(wanted: &Wanted) -> Repo {
    Repo::with_revision(wanted.repository.clone(), RepoType::Model, wanted.revision.clone())
}

/// The folder, or the file if that is all that is needed.
fn model_in(snapshot: &Path, needed: &[String]) -> PathBuf {
    match needed {
        [file] if file != "model_index.json" => snapshot.join(file),
        _ => snapshot.to_path_buf(),
    }
}

/// Whether a name stays in the folder that it is in.
fn is_inside(name: &str) -> bool {
    let path = Path::new(name);
    !name.contains('\\') && path.components().all(|part| matches!(part, Component::Normal(_))) && !name.is_empty()
}

/// Files of a folder and of the folders in it.
fn names(folder: &Path) -> Vec<String> {
    let list = |folder: &Path| folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let all: Vec<PathBuf> = list(folder);
    let inner = all.iter().filter(|path| path.is_dir()).flat_map(|folder| list(folder) as Vec<PathBuf>);
    let files = all.iter().cloned().chain(inner).filter(|path| path.is_file());
    let name = |path: PathBuf| Some(path.strip_prefix(folder).ok()?.to_str()?.replace('\\', "/"));
    files.filter_map(name).collect()
}

/// Who watches a download, as the hub's crate asks for it.
struct Seen<'a, 'w> {
    watch: &'a mut Watch<'w>,
    download: Download,
}

/// What a stopped download unwinds with: the hub's crate has no other way out of one.
struct Stopped;

impl Progress for Seen<'_, '_> {
    fn init(&mut self, size: usize, _filename: &str) {
        self.download.total = size as u64;
        self.download.done = 0;
    }

    fn update(&mut self, size: usize) {
        self.download.done += size as u64;
        if (self.watch)(&self.download).is_break() {
            resume_unwind(Box::new(Stopped));
        }
    }

    fn finish(&mut self) {}
}

/// What the hub's crate gives, even where an answer surprises it so that it panics.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, HubError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        if panic.is::<Stopped>() {
            return HubError::Cancelled;
        }
        let reason = panic.downcast_ref::<String>().cloned();
        let reason = reason.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
        HubError::Answer { wanted: "the hub".into(), reason: reason.unwrap_or_else(|| "it is not understood".into()) }
    })
}
