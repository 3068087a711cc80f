use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The shortest key, in characters.
const SHORTEST: usize = 16;

/// The keys that open a server. They are kept as hashes.
#[derive(Clone, PartialEq, Default)]
pub struct Keys(Vec<[u8; 32]>);

/// Why a file holds no keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file has no line with a key.
    #[error("{0}: it has no key: write one a line, for example from `openssl rand -hex 32`")]
    Empty(PathBuf),
    /// A key is easily guessed.
    #[error(
        "{path}:{line}: the key has {length} characters, expected at least {SHORTEST}: take `openssl rand -hex 32`"
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// The key's line, from 1.
        line: usize,
        /// The key's length.
        length: usize,
    },
}

impl Keys {
    /// The keys of a file: one a line; empty lines and those that begin with `#` are none.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, has no key, or has one of fewer than 16 characters.
    pub fn read(path: &Path) -> Result<Self, KeysError> {
        let text = fs::read_to_string(path).map_err(|source| KeysError::File { path: path.into(), source })?;
        let mut keys = Vec::new();
        for (line, key) in
            (1..).zip(text.lines().map(str::trim)).filter(|(_, key)| !key.is_empty() && !key.starts_with('#'))
        {
            let length = key.chars().count();
            if length < SHORTEST {
                return Err(KeysError::Short { path: path.into(), line, length });
            }
            keys.push(Sha256::digest(key).into());
        }
        if keys.is_empty() { Err(KeysError::Empty(path.into())) } else { Ok(Self(keys)) }
    }

    /// The keys themselves.
    pub fn new<S: AsRef<[u8]>>(keys: impl IntoIterator<Item = S>) -> Self {
        Self(keys.into_iter().map(|key| Sha256::digest(key).into()).collect())
    }

    /// Whether no key is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A name for the holder of a key, if it is one of these. Takes as long for a wrong key as for a right one.
    pub(crate) fn holder(&self, key: &[u8]) -> Option<String> {
        let hash: [u8; 32] = Sha256::digest(key).into();
        let mut right = subtle::Choice::from(0);
        for known in &self.0 {
            right |= known.ct_eq(&hash);
        }
        bool::from(right).then(|| hash[..4].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Without the hashes.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_and_nothing_like_it_does() {
        let keys = Keys::new(["0123456789abcdef", "another key of mine"]);
        assert_ne!(keys.holder(b"0123456789abcdef"), None);
        assert_ne!(keys.holder(b"0123456789abcdef"), keys.holder(b"another key of mine"));
        for wrong in ["", "0123456789abcde", "0123456789abcdef ", "0123456789ABCDEF"] {
            assert_eq!(keys.holder(wrong.as_bytes()), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_file_has_a_key_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            Keys::read(&path)
        };
        let keys = read("# mine\n0123456789abcdef\r\n\n  fedcba9876543210\n").unwrap();
        assert_eq!(keys, Keys::new(["0123456789abcdef", "fedcba9876543210"]));
        assert!(matches!(read("\n# none\n"), Err(KeysError::Empty(_))));
        assert!(matches!(read("0123456789abcdef\nshort"), Err(KeysError::Short { line: 2, length: 5, .. })));
    }
}
