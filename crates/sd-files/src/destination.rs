use std::fs::OpenOptions;
use std::io::{BufWriter, Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf, is_separator};

use crate::partial::begin_file;

/// The longest chain of links; a longer one counts as a ring.
const MOST_LINKS: usize = 40;

/// The target of a write to a path. Links are followed and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A file, which may not exist yet.
    File(PathBuf),
    /// A pipe, a device, or an open file such as `/dev/stdout`, which can only be written to directly.
    Stream(PathBuf),
}

impl Destination {
    /// Resolves a path.
    ///
    /// # Errors
    ///
    /// Errors of the system, and an error if links form a ring.
    pub fn from_path(path: &Path) -> Result<Self> {
        let mut path = path.to_path_buf();
        for _ in 0..MOST_LINKS {
            let kind = match path.symlink_metadata() {
                Ok(metadata) => metadata.file_type(),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::File(path)),
                Err(error) => return Err(error),
            };
            if is_open_file(&path) {
                return Ok(Self::Stream(path));
            }
            if !kind.is_symlink() {
                let is_plain = kind.is_file() || kind.is_dir();
                return Ok(if is_plain { Self::File(path) } else { Self::Stream(path) });
            }
            let target = path.read_link()?;
            path = path.parent().unwrap_or(Path::new("")).join(target);
        }
        Err(Error::other("its links form a ring"))
    }

    /// Checks that a file could be written, and leaves nothing behind. Streams are not checked.
    ///
    /// # Errors
    ///
    /// Errors of the system, such as [`ErrorKind::NotFound`] if there is no such folder.
    pub fn check(&self) -> Result<()> {
        let Self::File(path) = self else { return Ok(()) };
        if path.is_dir() || path.to_string_lossy().ends_with(is_separator) {
            return Err(ErrorKind::IsADirectory.into());
        }
        if path.file_name().is_none() {
            return Err(ErrorKind::InvalidFilename.into());
        }
        let (partial, _) = begin_file(path)?;
        std::fs::remove_file(&partial)
    }
}

/// Whether a path names an open file of this process by its descriptor.
fn is_open_file(path: &Path) -> bool {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok()).unwrap_or_default();
    folder == Path::new("/dev/fd") || folder.starts_with("/proc") && folder.ends_with("fd")
}

/// Writes to a stream.
pub(crate) fn write_to_stream(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    // An open file may have been written to before: append.
    let mut stream = BufWriter::new(OpenOptions::new().append(true).open(path)?);
    write(&mut stream)?;
    stream.flush()
}
