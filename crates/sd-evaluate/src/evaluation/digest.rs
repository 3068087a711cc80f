use std::path::{Path, PathBuf};

use crate::EvaluateError;

/// Identifies the weights in a folder by a hash of all its safetensors files (64-bit FNV-1a).
///
/// # Errors
///
/// [`EvaluateError::Io`].
pub fn digest(folder: &Path) -> Result<String, EvaluateError> {
    let mut files = Vec::new();
    weights(folder, &mut files)?;
    files.sort();
    let mut hash = START;
    for file in files {
        hash = with(hash, &std::fs::read(&file).map_err(EvaluateError::io(&file))?);
    }
    Ok(format!("{hash:016x}"))
}

/// Returns the [`digest`] of files in memory, given in the order of their paths.
pub fn digest_files<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> String {
    format!("{:016x}", files.into_iter().fold(START, with))
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

fn with(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn weights(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), EvaluateError> {
    for entry in std::fs::read_dir(folder).map_err(EvaluateError::io(folder))? {
        let path = entry.map_err(EvaluateError::io(folder))?.path();
        if path.is_dir() {
            weights(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "safetensors") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_weights_have_another_digest_and_other_files_do_not_matter() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        std::fs::create_dir(folder.path().join("unet")).unwrap();
        write("unet/a.safetensors", "a");
        // FNV's own example.
        assert_eq!(digest(folder.path()).unwrap(), "af63dc4c8601ec8c");
        write("config.json", "{}");
        assert_eq!(digest(folder.path()).unwrap(), "af63dc4c8601ec8c");
        write("b.safetensors", "b");
        assert_ne!(digest(folder.path()).unwrap(), "af63dc4c8601ec8c");
        // In the order of their paths.
        assert_eq!(digest(folder.path()).unwrap(), digest_files([&b"b"[..], b"a"]));
    }
}
