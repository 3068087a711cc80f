use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::needed::needed;
use crate::{HubError, Wanted};

/// The folder of a repository in the cache, in the layout of Python's `huggingface_hub`: `blobs` has files by their checksums,
/// `snapshots` the commits, whose files are links to them, and `refs` the commits of branches and tags.
#[derive(Debug)]
pub(crate) struct Repository(PathBuf);

impl Repository {
    pub fn of(cache: &Path, wanted: &Wanted) -> Self {
        Self(cache.join(format!("models--{}", wanted.repository.replace('/', "--"))))
    }

    /// The folder of a commit.
    pub fn snapshot(&self, commit: &str) -> PathBuf {
        self.0.join("snapshots").join(commit)
    }

    /// The file that has this checksum.
    pub fn blob(&self, checksum: &str) -> PathBuf {
        self.0.join("blobs").join(checksum)
    }

    /// Has a commit's `file` be the one with this checksum.
    pub fn link(&self, commit: &str, file: &str, checksum: &str) -> io::Result<()> {
        let pointer = self.snapshot(commit).join(file);
        fs::create_dir_all(pointer.parent().expect("it is in a snapshot"))?;
        if pointer.is_symlink() {
            fs::remove_file(&pointer)?;
        }
        let up = "../".repeat(2 + file.matches('/').count());
        link(&self.blob(checksum), Path::new(&format!("{up}blobs/{checksum}")), &pointer)
    }

    /// Remembers which commit a branch or a tag is.
    pub fn remember(&self, revision: &str, commit: &str) -> io::Result<()> {
        if revision == commit {
            return Ok(());
        }
        let file = self.0.join("refs").join(revision);
        fs::create_dir_all(file.parent().expect("it is in `refs`"))?;
        fs::write(file, commit)
    }

    /// What is there of a model, if it is all that its files say is needed.
    ///
    /// # Errors
    ///
    /// [`HubError::Io`] where the system does not let one see what is there.
    pub fn model(&self, wanted: &Wanted) -> Result<Option<PathBuf>, HubError> {
        // A branch or a tag is a file that says the commit; a commit is its own name.
        let reference = self.0.join("refs").join(&wanted.revision);
        let commit = there(&reference, fs::read_to_string(&reference))?;
        let snapshot = self.snapshot(commit.as_deref().map_or(&wanted.revision, str::trim));
        Ok(match &wanted.file {
            Some(file) => {
                let file = snapshot.join(file);
                there(&file, file.metadata())?.map(|_| file)
            }
            None => needed(&names(&snapshot)?).ok().map(|needed| model_in(&snapshot, &needed)),
        })
    }
}

/// What was read of a path; none where there is no such path.
pub(crate) fn there<T>(path: &Path, read: io::Result<T>) -> Result<Option<T>, HubError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HubError::Io { file: path.to_path_buf(), source }),
    }
}

/// The folder, or the file if that is all that is needed.
pub(crate) fn model_in(snapshot: &Path, needed: &[String]) -> PathBuf {
    match needed {
        [file] if file != "model_index.json" => snapshot.join(file),
        _ => snapshot.to_path_buf(),
    }
}

#[cfg(unix)]
fn link(_: &Path, relative: &Path, pointer: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(relative, pointer)
}

/// Not everyone may make links there.
#[cfg(not(unix))]
fn link(blob: &Path, _: &Path, pointer: &Path) -> io::Result<()> {
    fs::rename(blob, pointer)
}

/// Files of a folder and of the folders in it.
fn names(folder: &Path) -> Result<Vec<String>, HubError> {
    let mut names = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        for entry in there(&inner, fs::read_dir(&inner))?.into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && inner == folder {
                folders.push(path);
            } else if path.is_file() {
                let name = path.strip_prefix(folder).ok().and_then(Path::to_str);
                names.extend(name.map(|name| name.replace('\\', "/")));
            }
        }
    }
    Ok(names)
}
