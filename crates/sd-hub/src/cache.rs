use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Wanted;
use crate::needed::needed;

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
    pub fn model(&self, wanted: &Wanted) -> Option<PathBuf> {
        // A branch or a tag is a file that says the commit; a commit is its own name.
        let commit = fs::read_to_string(self.0.join("refs").join(&wanted.revision)).ok();
        let snapshot = self.snapshot(commit.as_deref().map_or(&wanted.revision, str::trim));
        match &wanted.file {
            Some(file) => Some(snapshot.join(file)).filter(|file| file.is_file()),
            None => needed(&names(&snapshot)).ok().map(|needed| model_in(&snapshot, &needed)),
        }
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
fn names(folder: &Path) -> Vec<String> {
    let list = |folder: &Path| folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let all: Vec<PathBuf> = list(folder);
    let inner = all.iter().filter(|path| path.is_dir()).flat_map(|folder| list(folder) as Vec<PathBuf>);
    let files = all.iter().cloned().chain(inner).filter(|path| path.is_file());
    let name = |path: PathBuf| Some(path.strip_prefix(folder).ok()?.to_str()?.replace('\\', "/"));
    files.filter_map(name).collect()
}
