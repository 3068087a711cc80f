use std::fs::{self, File};
use std::io::{BufWriter, Result, Write};
use std::path::Path;

use crate::destination::{Destination, write_to_stream};
use crate::partial::{begin, begin_file};

/// Writes a file beside `path` and renames it to `path` once it is complete, so that a reader sees all of it or nothing.
///
/// Links are followed and kept; a pipe or a device is written to directly. Unfinished files that a killed process left of
/// `path` are removed.
///
/// # Errors
///
/// Errors of the system and of `write`; then the unfinished file is removed.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let path = match Destination::from_path(path)? {
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

/// Makes a folder beside `path`, fills it with `fill`, and renames it to `path` once it is complete.
///
/// # Errors
///
/// Errors of `fill`, and of the system, converted by `io`; then the unfinished folder is removed.
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

/// Fills a folder beside `path` with `fill`, and once it is complete moves each of its files to its place in `path`. If it
/// cannot be completed, `path` is unchanged. Other files in `path` stay in any case.
///
/// # Errors
///
/// Errors of `fill`, and of the system, converted by `io`; then the unfinished folder is removed.
pub fn update_folder_atomically<E>(
    path: &Path,
    io: impl Fn(std::io::Error) -> E,
    fill: impl FnOnce(&Path) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let (Destination::File(path) | Destination::Stream(path)) = Destination::from_path(path).map_err(&io)?;
    in_partial(&path, &io, |partial| {
        fill(partial)?;
        move_files(partial, &path).map_err(&io)?;
        fs::remove_dir_all(partial).map_err(&io)
    })
}

/// Runs `work` on a folder that is to become `path`, and removes the folder if that fails.
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

/// Moves the files of a folder to the same places in another, and replaces files that are there.
fn move_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (entry, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if entry.is_dir() { move_files(&entry, &to)? } else { fs::rename(&entry, &to)? }
    }
    Ok(())
}
