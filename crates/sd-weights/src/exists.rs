use std::fs::Metadata;
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use crate::WeightsError;

/// Whether there is a file at `path`.
///
/// # Errors
///
/// Errors of the system other than that there is nothing, such as a missing permission; [`Path::is_file`] returns false
/// for them.
pub fn is_file(path: &Path) -> Result<bool> {
    is_kind(path, Metadata::is_file)
}

/// Whether there is a folder at `path`.
///
/// # Errors
///
/// As [`is_file`].
pub fn is_folder(path: &Path) -> Result<bool> {
    is_kind(path, Metadata::is_dir)
}

/// Returns the first of the paths at which there is a file.
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

/// Extensions of files that may hold weights.
const EXTENSIONS: [&str; 6] = ["safetensors", "gguf", "bin", "pt", "pth", "ckpt"];

/// Lists the files of a folder that may hold weights, by their extensions and in alphabetical order.
///
/// # Errors
///
/// Those of reading the folder.
pub fn weight_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let paths = folder.read_dir()?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    let is_weights = |path: &PathBuf| {
        path.extension().and_then(|e| e.to_str()).is_some_and(|kind| EXTENSIONS.contains(&kind)) && path.is_file()
    };
    let mut found: Vec<PathBuf> = paths.into_iter().filter(is_weights).collect();
    found.sort();
    Ok(found)
}

fn is_kind(path: &Path, kind: fn(&Metadata) -> bool) -> Result<bool> {
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
    fn a_path_that_cannot_be_read_is_an_error_and_not_a_missing_file() {
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
