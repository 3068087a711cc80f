use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::RecipeError;

/// A short name for some bytes, which others do not have: the first 64 bits of their SHA-256.
#[derive(Default)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// With more bytes, told apart from those before them.
    pub fn with(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// With the files of a folder, whatever their order.
    pub fn with_folder(self, folder: &Path) -> Result<Self, RecipeError> {
        let mut fingerprint = self;
        for file in files(folder)? {
            let bytes = std::fs::read(&file).map_err(RecipeError::io(&file))?;
            fingerprint = fingerprint.with(file.file_name().unwrap_or_default().as_encoded_bytes()).with(&bytes);
        }
        Ok(fingerprint)
    }

    /// Sixteen hexadecimal digits.
    pub fn name(self) -> String {
        self.0.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The files of a folder, by name.
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
