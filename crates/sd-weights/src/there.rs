use std::fs::Metadata;
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use crate::WeightsError;

/// Whether there is a file at `path`.
///
/// # Errors
///
/// What the system says where it does not let one see, which [`Path::is_file`] would take for a no.
pub fn is_file(path: &Path) -> Result<bool> {
    is(path, Metadata::is_file)
}

/// Whether there is a folder at `path`.
///
/// # Errors
///
/// As [`is_file`].
pub fn is_folder(path: &Path) -> Result<bool> {
    is(path, Metadata::is_dir)
}

/// The first of some paths at which there is a file.
pub(crate) fn first_file(
    paths: impl IntoIterator<Item = PathBuf>,
) -> std::result::Result<Option<PathBuf>, WeightsError> {
    for path in paths {
        if is_file(&path).map_err(|source| WeightsError::Io { file: path.clone(), source })? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn is(path: &Path, kind: fn(&Metadata) -> bool) -> Result<bool> {
    match path.metadata() {
        Ok(metadata) => Ok(kind(&metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_not_taken_for_what_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(is_file(&file).unwrap() && !is_folder(&file).unwrap());
        assert!(is_folder(folder.path()).unwrap() && !is_file(folder.path()).unwrap());
        assert!(!is_file(&folder.path().join("none")).unwrap() && !is_folder(&folder.path().join("none")).unwrap());
        assert_eq!(is_file(&file.join("inner")).unwrap_err().kind(), ErrorKind::NotADirectory);
        assert!(is_folder(&folder.path().join("x".repeat(300))).is_err());
    }
}
