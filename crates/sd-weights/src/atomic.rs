use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::{Path, PathBuf};

use crate::destination::{Destination, write_to_stream};

/// The longest name of a file, in bytes: that of nearly all file systems.
const LONGEST_NAME: usize = 255;

/// Writes a file beside `path` and renames it to `path` once it is complete: a reader sees all of it or nothing.
///
/// Links are followed, and stay; a pipe or a device is written to as it is.
///
/// # Errors
///
/// What the system or `write` says; the unfinished file is removed then.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let path = match Destination::of(path)? {
        Destination::File(path) => path,
        Destination::Stream(path) => return write_to_stream(&path, write),
    };
    let partial = beside(&path);
    let written = (|| {
        let mut file = BufWriter::new(File::create(&partial)?);
        write(&mut file)?;
        file.into_inner()?.sync_all()?;
        std::fs::rename(&partial, &path)
    })();
    if written.is_err() {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&partial);
    }
    written
}

/// Makes a folder beside `path`, has it filled, and renames it to `path` once it is complete.
///
/// # Errors
///
/// What `fill` says, or the system, by way of `io`; the unfinished folder is removed then.
pub fn make_folder_atomically<E>(
    path: &Path,
    io: impl Fn(std::io::Error) -> E,
    fill: impl FnOnce(&Path) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let partial = beside(path);
    let made = (|| {
        std::fs::create_dir(&partial).map_err(&io)?;
        fill(&partial)?;
        std::fs::rename(&partial, path).map_err(&io)
    })();
    if made.is_err() {
        // The first error is the one to report.
        let _ = std::fs::remove_dir_all(&partial);
    }
    made
}

/// What a file or folder is called until it is complete.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let suffix = format!(".{}.partial", std::process::id());
    // Without a slash at its end, which would make this a name inside.
    let path: PathBuf = path.components().collect();
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    if name.len() + suffix.len() > LONGEST_NAME {
        let text = name.to_string_lossy();
        name = text[..text.floor_char_boundary(LONGEST_NAME - suffix.len())].into();
    }
    name.push(suffix);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture");
        write_atomically(&path, |file| file.write_all(b"old")).unwrap();
        write_atomically(&path, |file| {
            file.write_all(b"half")?;
            Err(std::io::Error::other("disk full"))
        })
        .unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_there_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let fill = |partial: &Path| std::fs::write(partial.join("file"), "half");
        make_folder_atomically(
            &path,
            |error| error,
            |partial| {
                fill(partial)?;
                Err(std::io::Error::other("disk full"))
            },
        )
        .unwrap_err();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        make_folder_atomically(&path, |error| error, fill).unwrap();
        assert!(path.join("file").is_file());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
