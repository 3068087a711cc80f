use std::path::Path;

use sha2::{Digest, Sha256};

use crate::RecipeError;
use crate::files::files;

/// A short name that identifies some bytes: the first 64 bits of their SHA-256.
#[derive(Default)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Adds bytes, separated from those before them.
    pub fn with(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds the names and contents of the files of a folder, in the order of their names.
    pub fn with_folder(self, folder: &Path) -> Result<Self, RecipeError> {
        let mut fingerprint = self;
        for file in files(folder)? {
            let bytes = std::fs::read(&file).map_err(RecipeError::io(&file))?;
            fingerprint = fingerprint.with(file.file_name().unwrap_or_default().as_encoded_bytes()).with(&bytes);
        }
        Ok(fingerprint)
    }

    /// Returns sixteen hexadecimal digits.
    pub fn name(self) -> String {
        self.0.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
