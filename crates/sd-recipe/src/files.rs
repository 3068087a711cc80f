use std::path::{Path, PathBuf};

use sd_weights::write_atomically;

use crate::RecipeError;

/// Returns the files of a folder, sorted by name.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, RecipeError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(RecipeError::io(folder))? {
        let file = entry.map_err(RecipeError::io(folder))?.path();
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes a file beside its name and then renames it.
pub(crate) fn write(file: &Path, bytes: &[u8]) -> Result<(), RecipeError> {
    write_atomically(file, |out| out.write_all(bytes)).map_err(RecipeError::io(file))
}
