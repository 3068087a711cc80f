use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use sd_files::write_atomically;
use sha2::{Digest, Sha256};

use crate::{EngineError, hex};

/// Hashes of files, which are kept until a file changes.
#[derive(Debug)]
pub struct Hashes {
    /// Where they are kept between processes.
    file: Option<PathBuf>,
    /// By path, size and time of change.
    known: Mutex<BTreeMap<String, String>>,
}

impl Hashes {
    /// Reads the hashes of earlier processes. What cannot be read is computed again.
    pub fn read(file: Option<PathBuf>) -> Self {
        let text = file.as_deref().and_then(|file| fs::read(file).ok());
        let mut known: BTreeMap<String, String> =
            text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let is_there = |key: &str| {
            let name = subject(key);
            Path::new(name.strip_prefix(AFTER_HEADER).unwrap_or(name)).exists()
        };
        known.retain(|key, _| is_there(key));
        Self { file, known: Mutex::new(known) }
    }

    /// The SHA-256 of a file, or of the paths and hashes of a folder's weights.
    pub fn file_or_folder(&self, path: &Path) -> Result<String, EngineError> {
        combined(path, |file| self.kept(file, "", |file| digest(file, 0)))
    }

    /// The same, if no file has to be read for it.
    pub fn known_file_or_folder(&self, path: &Path) -> Option<String> {
        let known = |file: &Path| {
            let unknown = || EngineError::Io { file: file.into(), source: io::ErrorKind::NotFound.into() };
            self.known().get(&key(file, "")?).cloned().ok_or_else(unknown)
        };
        combined(path, known).ok()
    }

    /// The SHA-256 of a safetensors file after its header, or of another file or folder as a whole.
    pub fn after_header(&self, path: &Path) -> Result<String, EngineError> {
        if path.is_dir() {
            return self.file_or_folder(path);
        }
        let is_safetensors = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
        self.kept(path, AFTER_HEADER, |file| {
            let mut length = [0; 8];
            let start = if is_safetensors {
                file.read_exact(&mut length)?;
                u64::from_le_bytes(length).saturating_add(8)
            } else {
                0
            };
            digest(file, start)
        })
    }

    fn kept(
        &self,
        path: &Path,
        what: &str,
        compute: impl FnOnce(&mut File) -> io::Result<String>,
    ) -> Result<String, EngineError> {
        let key = key(path, what)?;
        if let Some(hash) = self.known().get(&key) {
            return Ok(hash.clone());
        }
        let hash = File::open(path).and_then(|mut file| compute(&mut file)).map_err(io_error(path))?;
        let mut known = self.known();
        known.retain(|old, _| subject(old) != subject(&key));
        known.insert(key, hash.clone());
        drop(known);
        self.keep();
        Ok(hash)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the hashes for other processes. If they cannot be written, those compute them again.
    fn keep(&self) {
        let Some(file) = &self.file else { return };
        let text = serde_json::to_vec(&*self.known()).unwrap_or_default();
        let _ = file.parent().map(fs::create_dir_all);
        let _ = write_atomically(file, |to| to.write_all(&text));
    }
}

/// What hashes without headers are known by.
const AFTER_HEADER: &str = "after header ";

/// The part of a key before the size and the time.
fn subject(key: &str) -> &str {
    key.rsplitn(3, ' ').nth(2).unwrap_or(key)
}

/// What a hash is known by: the path of the file, its size and the time of its last change.
fn key(path: &Path, what: &str) -> Result<String, EngineError> {
    let key = fs::canonicalize(path).and_then(|full| {
        let metadata = fs::metadata(&full)?;
        let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Ok(format!("{what}{} {} {}", full.display(), metadata.len(), changed.unwrap_or_default().as_nanos()))
    });
    key.map_err(io_error(path))
}

/// The hash of a file, or that of the paths and hashes of a folder's weights.
fn combined(path: &Path, hash: impl Fn(&Path) -> Result<String, EngineError>) -> Result<String, EngineError> {
    if !path.is_dir() {
        return hash(path);
    }
    let mut all = Sha256::new();
    for file in weights(path).map_err(io_error(path))? {
        let name = file.strip_prefix(path).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        all.update(format!("{name} {}\n", hash(&file)?));
    }
    Ok(hex(&all.finalize()))
}

/// The SHA-256 of a file from a byte on.
fn digest(file: &mut File, start: u64) -> io::Result<String> {
    file.seek(SeekFrom::Start(start))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(&buffer[..count]),
        }
    }
}

/// The weight files of a model folder, in order.
fn weights(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            found.extend(weights(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "safetensors" || extension == "bin") {
            found.push(path);
        }
    }
    Ok(found)
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> EngineError {
    |source| EngineError::Io { file: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_sha256sum_and_follow_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let (file, cache) = (folder.path().join("a.safetensors"), folder.path().join("cache/hashes.json"));
        let header = b"{}";
        let content = [&(header.len() as u64).to_le_bytes()[..], header, b"abc"].concat();
        fs::write(&file, content).unwrap();
        let hashes = Hashes::read(Some(cache.clone()));
        // The published digest of "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hashes.after_header(&file).unwrap(), abc);
        let whole = hashes.file_or_folder(&file).unwrap();
        assert_ne!(whole, abc);
        let again = Hashes::read(Some(cache));
        assert_eq!(again.known().len(), 2);
        assert_eq!(again.known_file_or_folder(&file), Some(whole));
        fs::write(&file, b"abc").unwrap();
        assert_eq!(again.known_file_or_folder(&file), None);
        assert_eq!(again.file_or_folder(&file).unwrap(), abc);
    }
}
