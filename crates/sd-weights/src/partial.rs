//! What a file or folder is until it is complete: it has a name of its own beside its place, and is locked, so that it can be
//! told from what a killed process left, whose locks the system has released.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Result;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Removes what killed processes left in a folder of files and folders that they had not completed. What another process
/// is writing stays.
pub fn remove_leftovers(folder: &Path) {
    remove(folder, |_| true);
}

/// Makes the file or folder that is to become `path`, and removes what killed processes left of earlier tries.
///
/// `make` also locks it, if the system can: where there are no locks, nobody takes an unlocked file for a leftover either.
pub(crate) fn begin<T>(path: &Path, make: impl Fn(&Path) -> Result<T>) -> Result<(PathBuf, T)> {
    let name = short_name(path);
    if let Some(name) = name.to_str() {
        remove(parent(path), |leftover| leftover == name);
    }
    loop {
        let partial = beside(path, &name);
        let made = make(&partial)?;
        // Another process may have taken it for a leftover before it was locked.
        if partial.exists() {
            return Ok((partial, made));
        }
    }
}

/// Makes the file that is to become `path`.
pub(crate) fn begin_file(path: &Path) -> Result<(PathBuf, File)> {
    begin(path, |partial| {
        let file = File::create(partial)?;
        let _ = file.lock();
        Ok(file)
    })
}

/// What a file or folder is called until it is complete: a name that never comes again.
fn beside(path: &Path, name: &OsStr) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut partial = name.to_os_string();
    partial.push(format!(".{}-{}.partial", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    parent(path).join(partial)
}

/// The name of `path`, cut so that it can be made longer: systems have names of up to 255 bytes.
fn short_name(path: &Path) -> OsString {
    const LONGEST: usize = 200;
    let name = path.file_name().unwrap_or_default();
    match name.to_str() {
        Some(text) => text[..text.floor_char_boundary(LONGEST)].into(),
        None => name.into(),
    }
}

/// What a partial file or folder was to become, by its name.
fn of_leftover(name: &str) -> Option<&str> {
    let (name, id) = name.strip_suffix(".partial")?.rsplit_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    id.split('-').all(is_number).then_some(name)
}

/// Removes leftovers of what `is_meant` says by its name.
fn remove(folder: &Path, is_meant: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, path, kind) = (entry.file_name(), entry.path(), entry.file_type());
        let Some(kind) = kind.ok().filter(|kind| kind.is_file() || kind.is_dir()) else { continue };
        if !name.to_str().and_then(of_leftover).is_some_and(&is_meant) {
            continue;
        }
        // Whoever writes it has it locked.
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_ok() {
            // What cannot be removed does no harm.
            let _ = if kind.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// The folder that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write_atomically;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_killed_processes_left_is_removed_and_what_others_write_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in
            ["a.png.17.partial", "a.png.18-3.partial", "b.png.17.partial", "a.png.mine.partial", "a.png.partial"]
        {
            fs::write(at(name), "half").unwrap();
        }
        fs::create_dir_all(at("model.17-0.partial/unet")).unwrap();
        let writing = File::create(at("a.png.19-0.partial")).unwrap();
        writing.lock().unwrap();
        write_atomically(&at("a.png"), |file| file.write_all(b"whole")).unwrap();
        let left = ["a.png", "a.png.19-0.partial", "a.png.mine.partial", "a.png.partial"];
        assert_eq!(names(folder.path()), [&left[..], &["b.png.17.partial", "model.17-0.partial"]].concat());
        remove_leftovers(folder.path());
        #[cfg(unix)]
        assert_eq!(names(folder.path()), left);
    }

    #[test]
    fn a_partial_file_is_locked_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        write_atomically(&folder.path().join("a"), |file| {
            remove_leftovers(folder.path());
            assert_eq!(names(folder.path()).len(), 1);
            file.write_all(b"whole")
        })
        .unwrap();
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn the_longest_names_of_a_system_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a".repeat(255), "ü".repeat(127)] {
            write_atomically(&folder.path().join(&name), |file| file.write_all(b"whole")).unwrap();
            assert_eq!(names(folder.path()), std::slice::from_ref(&name));
            fs::remove_file(folder.path().join(name)).unwrap();
        }
    }
}
