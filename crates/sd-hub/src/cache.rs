use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::select_files::select_files;
use crate::{HubError, ModelId};

/// The folder of a repository in the cache, in the layout of Python's `huggingface_hub`: `blobs` has the files by checksum,
/// `snapshots` has the commits, whose files are links to blobs, and `refs` has the commits of branches and tags.
#[derive(Debug)]
pub(crate) struct Repository(PathBuf);

impl Repository {
    pub fn new(cache: &Path, model: &ModelId) -> Self {
        Self(cache.join(format!("models--{}", model.repository.replace('/', "--"))))
    }

    /// Returns the folder of a commit.
    pub fn snapshot(&self, commit: &str) -> PathBuf {
        self.0.join("snapshots").join(commit)
    }

    /// Returns the path of the file with a checksum.
    pub fn blob(&self, checksum: &str) -> PathBuf {
        self.0.join("blobs").join(checksum)
    }

    /// Links a commit's `file` to the blob with a checksum.
    pub fn link(&self, commit: &str, file: &str, checksum: &str) -> io::Result<()> {
        let pointer = self.snapshot(commit).join(file);
        fs::create_dir_all(pointer.parent().expect("it is in a snapshot"))?;
        if pointer.is_symlink() {
            fs::remove_file(&pointer)?;
        }
        let up = "../".repeat(2 + file.matches('/').count());
        link(&self.blob(checksum), Path::new(&format!("{up}blobs/{checksum}")), &pointer)
    }

    /// Stores the commit of a branch or a tag.
    pub fn remember(&self, revision: &str, commit: &str) -> io::Result<()> {
        if revision == commit {
            return Ok(());
        }
        let file = self.0.join("refs").join(revision);
        fs::create_dir_all(file.parent().expect("it is in `refs`"))?;
        fs::write(file, commit)
    }

    /// Returns the path of a cached model, if all the files that it needs are there.
    ///
    /// # Errors
    ///
    /// [`HubError::Io`] if the cache cannot be read.
    pub fn model(&self, model: &ModelId) -> Result<Option<PathBuf>, HubError> {
        // The file of a branch or a tag contains its commit; a commit has no such file.
        let reference = self.0.join("refs").join(&model.revision);
        let commit = if_exists(&reference, fs::read_to_string(&reference))?;
        let snapshot = self.snapshot(commit.as_deref().map_or(&model.revision, str::trim));
        let root = model.file.as_ref().map_or(snapshot.clone(), |file| snapshot.join(file));
        Ok(match if_exists(&root, root.metadata())? {
            Some(found) if found.is_file() => Some(root),
            Some(_) => select_files(&names(&root)?).ok().map(|files| model_path(&root, &files)),
            None => None,
        })
    }
}

/// Turns the error that there is no such path into `None`.
pub(crate) fn if_exists<T>(path: &Path, read: io::Result<T>) -> Result<Option<T>, HubError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HubError::Io { file: path.to_path_buf(), source }),
    }
}

/// Returns the folder, or the file if a single file is the whole model.
pub(crate) fn model_path(folder: &Path, files: &[String]) -> PathBuf {
    match files {
        [file] if file != "model_index.json" => folder.join(file),
        _ => folder.to_path_buf(),
    }
}

#[cfg(unix)]
fn link(_: &Path, relative: &Path, pointer: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(relative, pointer)
}

/// Moves the file: not every user may create links on this system.
#[cfg(not(unix))]
fn link(blob: &Path, _: &Path, pointer: &Path) -> io::Result<()> {
    fs::rename(blob, pointer)
}

/// Lists the files of a folder and of the folders in it.
fn names(folder: &Path) -> Result<Vec<String>, HubError> {
    let mut names = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        for entry in if_exists(&inner, fs::read_dir(&inner))?.into_iter().flatten().flatten() {
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
