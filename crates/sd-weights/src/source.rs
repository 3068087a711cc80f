use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// The source of a checkpoint's bytes: a file, or memory.
///
/// Dereferences to its path, which messages name; the path of bytes in the program need not exist.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    path: Arc<Path>,
    bytes: Option<Bytes>,
}

/// Bytes in memory.
#[derive(Debug, Clone)]
pub(crate) enum Bytes {
    /// Part of the program.
    BuiltIn(&'static [u8]),
    /// Read from a file that holds them in a form that cannot be read in place.
    Held(Arc<[u8]>),
}

/// A reader of a [`Source`].
pub(crate) enum Reader {
    File(File),
    Bytes(Cursor<Bytes>),
}

impl Source {
    /// Bytes of the program, with a name for messages.
    pub fn built_in(name: &Path, bytes: &'static [u8]) -> Self {
        Self { path: name.into(), bytes: Some(Bytes::BuiltIn(bytes)) }
    }

    /// Bytes that were read from a file.
    pub fn held(path: Arc<Path>, bytes: Arc<[u8]>) -> Self {
        Self { path, bytes: Some(Bytes::Held(bytes)) }
    }

    /// Whether the bytes are in the file itself.
    pub fn is_on_disk(&self) -> bool {
        self.bytes.is_none()
    }

    /// Opens an independent reader that starts at byte `offset`.
    pub fn open_at(&self, offset: u64) -> io::Result<Reader> {
        Ok(match &self.bytes {
            Some(bytes) => {
                let mut reader = Cursor::new(bytes.clone());
                reader.set_position(offset);
                Reader::Bytes(reader)
            }
            None => {
                let mut file = File::open(&self.path)?;
                file.seek(SeekFrom::Start(offset))?;
                Reader::File(file)
            }
        })
    }
}

impl<P: Into<Arc<Path>>> From<P> for Source {
    fn from(path: P) -> Self {
        Self { path: path.into(), bytes: None }
    }
}

impl Deref for Source {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::BuiltIn(bytes) => bytes,
            Self::Held(bytes) => bytes,
        }
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Bytes(bytes) => bytes.read(buffer),
        }
    }
}
