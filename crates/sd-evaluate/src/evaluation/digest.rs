use std::path::{Path, PathBuf};

use crate::EvaluateError;

/// What tells the weights in a folder from others: a hash of all its safetensors files (FNV-1a of 64 bits).
///
/// # Errors
///
/// [`EvaluateError::Io`].
pub fn digest(folder: &Path) -> Result<String, EvaluateError> {
    let mut files = Vec::new();
    weights(folder, &mut files)?;
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        let bytes = std::fs::read(&file).map_err(EvaluateError::io(&file))?;
        hash = bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }
    Ok(format!("{hash:016x}"))
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
    }
}
