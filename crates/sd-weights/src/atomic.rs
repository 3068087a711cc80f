use std::fs::{self, File};
use std::io::{BufWriter, Result, Write};
use std::path::Path;

use crate::destination::{Destination, write_to_stream};
use crate::partial::{begin, begin_file};

/// Writes a file beside `path` and renames it to `path` once it is complete: a reader sees all of it or nothing.
///
/// Links are followed, and stay; a pipe or a device is written to as it is. What a killed process left of an earlier try is
/// removed.
///
/// # Errors
///
/// What the system or `write` says; the unfinished file is removed then.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let path = match Destination::of(path)? {
        Destination::File(path) => path,
        Destination::Stream(path) => return write_to_stream(&path, write),
    };
    let (partial, file) = begin_file(&path)?;
    let written = (|| {
        let mut buffer = BufWriter::new(&file);
        write(&mut buffer)?;
        buffer.flush()?;
        file.sync_all()?;
        fs::rename(&partial, &path)
    })();
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&partial);
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
    in_partial(path, &io, |partial| {
        fill(partial)?;
        fs::rename(partial, path).map_err(&io)
    })
}

/// Has a folder filled beside `path`, and once it is complete moves each of its files to its place in `path`: if it cannot
/// be completed, what is in `path` stays as it was. Other files in `path` stay in any case.
///
/// # Errors
///
/// What `fill` says, or the system, by way of `io`; the unfinished folder is removed then.
pub fn update_folder_atomically<E>(
    path: &Path,
    io: impl Fn(std::io::Error) -> E,
    fill: impl FnOnce(&Path) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let (Destination::File(path) | Destination::Stream(path)) = Destination::of(path).map_err(&io)?;
    in_partial(&path, &io, |partial| {
        fill(partial)?;
        move_files(partial, &path).map_err(&io)?;
        fs::remove_dir_all(partial).map_err(&io)
    })
}

/// Does some work in a folder that is to become `path`, and removes it where that fails.
fn in_partial<E>(
    path: &Path,
    io: &impl Fn(std::io::Error) -> E,
    work: impl FnOnce(&Path) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let make = |partial: &Path| {
        fs::create_dir(partial)?;
        // Not every system opens folders.
        let folder = File::open(partial).ok();
        let _ = folder.as_ref().map(File::lock);
        Ok(folder)
    };
    let (partial, _lock) = begin(path, make).map_err(io)?;
    let done = work(&partial);
    if done.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_dir_all(&partial);
    }
    done
}

/// Moves the files of a folder to the same places in another, over those that are there.
fn move_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (entry, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if entry.is_dir() { move_files(&entry, &to)? } else { fs::rename(&entry, &to)? }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image");
        write_atomically(&path, |file| file.write_all(b"old")).unwrap();
        write_atomically(&path, |file| {
            file.write_all(b"half")?;
            Err(std::io::Error::other("disk full"))
        })
        .unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_there_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let fill = |partial: &Path| fs::write(partial.join("file"), "half");
        make_folder_atomically(
            &path,
            |error| error,
            |partial| {
                fill(partial)?;
                Err(std::io::Error::other("disk full"))
            },
        )
        .unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        make_folder_atomically(&path, |error| error, fill).unwrap();
        assert!(path.join("file").is_file());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_updated_as_a_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::create_dir_all(path.join("unet")).unwrap();
        fs::write(path.join("unet/weights"), "old").unwrap();
        fs::write(path.join("README"), "mine").unwrap();
        let fill = |partial: &Path| {
            fs::create_dir(partial.join("unet"))?;
            fs::write(partial.join("unet/weights"), "new")
        };
        let full = |partial: &Path| fill(partial).and(Err(std::io::Error::other("disk full")));
        update_folder_atomically(&path, |error| error, full).unwrap_err();
        assert_eq!(fs::read(path.join("unet/weights")).unwrap(), b"old");
        update_folder_atomically(&path, |error| error, fill).unwrap();
        assert_eq!(fs::read(path.join("unet/weights")).unwrap(), b"new");
        assert_eq!(fs::read(path.join("README")).unwrap(), b"mine");
        assert_eq!(names(folder.path()), ["model"]);
    }
}
