use std::fs::OpenOptions;
use std::io::{BufWriter, Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf, is_separator};

use crate::partial::begin_file;

/// More links than this in a row are a ring.
const MOST_LINKS: usize = 40;

/// Where what is written to a path goes. Links are followed, and stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A file, which may not be there yet.
    File(PathBuf),
    /// A pipe, a device, or an open file such as `/dev/stdout`: it can only be written to as it is.
    Stream(PathBuf),
}

impl Destination {
    /// What there is at a path.
    ///
    /// # Errors
    ///
    /// What the system says where it cannot be seen, or where links form a ring.
    pub fn of(path: &Path) -> Result<Self> {
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

    /// Checks that it could be written, and leaves nothing. A stream is not asked.
    ///
    /// # Errors
    ///
    /// What the system says against it: [`ErrorKind::NotFound`] where there is no such folder.
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

/// Whether a path is that of a file that the process has open, by the number that it has there.
fn is_open_file(path: &Path) -> bool {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok()).unwrap_or_default();
    folder == Path::new("/dev/fd") || folder.starts_with("/proc") && folder.ends_with("fd")
}

/// Writes to a stream.
pub(crate) fn write_to_stream(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    // Behind what was written before, should it be a file that is open.
    let mut stream = BufWriter::new(OpenOptions::new().append(true).open(path)?);
    write(&mut stream)?;
    stream.flush()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::write_atomically;

    #[test]
    fn what_is_written_to_a_link_goes_where_it_points_and_the_link_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("far")).unwrap();
        std::fs::write(path("far/old"), "old").unwrap();
        for (link, target) in [("there", "far/old"), ("dangling", "far/new"), ("twice", "dangling")] {
            symlink(target, path(link)).unwrap();
            Destination::of(&path(link)).unwrap().check().unwrap();
            write_atomically(&path(link), |file| file.write_all(link.as_bytes())).unwrap();
            assert!(path(link).is_symlink());
            assert_eq!(std::fs::read_to_string(path(link)).unwrap(), link);
        }
        assert_eq!(std::fs::read_to_string(path("far/old")).unwrap(), "there");
        assert_eq!(std::fs::read_to_string(path("far/new")).unwrap(), "twice");
        assert_eq!(std::fs::read_dir(path("far")).unwrap().count(), 2);
        symlink("ring", path("ring")).unwrap();
        assert!(Destination::of(&path("ring")).unwrap_err().to_string().contains("ring"));
    }

    #[test]
    fn names_up_to_the_longest_can_be_written_and_longer_ones_are_known_beforehand() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["n".repeat(241), "n".repeat(255), "é".repeat(127)] {
            let path = folder.path().join(name);
            Destination::of(&path).unwrap().check().unwrap();
            write_atomically(&path, |file| file.write_all(b"x")).unwrap();
            assert!(path.is_file());
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
        let error = Destination::of(&folder.path().join("n".repeat(256))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidFilename);
    }

    #[test]
    fn what_cannot_be_written_is_found_out_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let check = |path: PathBuf| Destination::of(&path).and_then(|to| to.check()).map_err(|error| error.kind());
        assert_eq!(check(folder.path().into()), Err(ErrorKind::IsADirectory));
        assert_eq!(check(folder.path().join("new/")), Err(ErrorKind::IsADirectory));
        assert_eq!(check(folder.path().join("none/x")), Err(ErrorKind::NotFound));
        assert_eq!(check(folder.path().join("file/x")), Err(ErrorKind::NotADirectory));
        assert_eq!(check(PathBuf::new()), Err(ErrorKind::InvalidFilename));
        assert_eq!(check(folder.path().join("file")), Ok(()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn devices_are_written_as_they_are_and_their_failures_told() {
        for (device, works) in [("/dev/null", true), ("/dev/full", false)] {
            let folder = tempfile::tempdir().unwrap();
            let link = folder.path().join("link");
            symlink(device, &link).unwrap();
            assert_eq!(Destination::of(&link).unwrap(), Destination::Stream(device.into()));
            assert_eq!(write_atomically(&link, |file| file.write_all(b"x")).is_ok(), works);
            assert!(link.is_symlink());
        }
        assert!(matches!(Destination::of(Path::new("/dev/stdout")).unwrap(), Destination::Stream(_)));
    }
}
