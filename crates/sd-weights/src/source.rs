use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// Where a checkpoint's bytes are: in a file, or in the program itself.
///
/// Dereferences to its path, which messages name; that of bytes in the program need not exist.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    path: Arc<Path>,
    built_in: Option<&'static [u8]>,
}

/// What reads a [`Source`].
pub(crate) enum Reader {
    File(File),
    BuiltIn(Cursor<&'static [u8]>),
}

impl Source {
    /// Bytes of the program, under the name that messages call them by.
    pub fn built_in(name: &Path, bytes: &'static [u8]) -> Self {
        Self { path: name.into(), built_in: Some(bytes) }
    }

    /// A reader of its own that starts at `offset`.
    pub fn open_at(&self, offset: u64) -> io::Result<Reader> {
        let mut reader = match self.built_in {
            Some(bytes) => Reader::BuiltIn(Cursor::new(bytes)),
            None => Reader::File(File::open(&self.path)?),
        };
        match &mut reader {
            Reader::File(file) => file.seek(SeekFrom::Start(offset))?,
            Reader::BuiltIn(bytes) => bytes.seek(SeekFrom::Start(offset))?,
        };
        Ok(reader)
    }
}

impl<P: Into<Arc<Path>>> From<P> for Source {
    fn from(path: P) -> Self {
        Self { path: path.into(), built_in: None }
    }
}

impl Deref for Source {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::BuiltIn(bytes) => bytes.read(buffer),
        }
    }
}
