//! Files and folders that are not complete yet: they have a name of their own beside the final one, and are locked. The
//! system releases the locks of a killed process, so its leftovers can be recognised.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Result;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Removes the incomplete files and folders that killed processes left in a folder. Those that another process is writing
/// stay.
pub fn remove_leftovers(folder: &Path) {
    remove(folder, |_| true);
}

/// Creates the file or folder that is to become `path`, and removes the leftovers of killed processes for the same path.
///
/// `make` also locks it, if the system can: on a system without locks nobody takes an unlocked file for a leftover.
pub(crate) fn begin<T>(path: &Path, make: impl Fn(&Path) -> Result<T>) -> Result<(PathBuf, T)> {
    let name = short_name(path);
    if let Some(name) = name.to_str() {
        remove(parent(path), |leftover| leftover == name);
    }
    loop {
        let partial = beside(path, &name);
        let made = make(&partial)?;
        // Another process may have removed it as a leftover before it was locked.
        if partial.exists() {
            return Ok((partial, made));
        }
    }
}

/// Creates the file that is to become `path`.
pub(crate) fn begin_file(path: &Path) -> Result<(PathBuf, File)> {
    begin(path, |partial| {
        let file = File::create(partial)?;
        let _ = file.lock();
        Ok(file)
    })
}

/// Returns a unique name for a file or folder until it is complete.
fn beside(path: &Path, name: &OsStr) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut partial = name.to_os_string();
    partial.push(format!(".{}-{}.partial", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    parent(path).join(partial)
}

/// Returns the name of `path`, cut to leave room for a suffix: systems allow names of up to 255 bytes.
fn short_name(path: &Path) -> OsString {
    const LONGEST: usize = 200;
    let name = path.file_name().unwrap_or_default();
    match name.to_str() {
        Some(text) => text[..text.floor_char_boundary(LONGEST)].into(),
        None => name.into(),
    }
}

/// Returns the final name of an incomplete file or folder, given its name.
fn final_name(name: &str) -> Option<&str> {
    let (name, id) = name.strip_suffix(".partial")?.rsplit_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    id.split('-').all(is_number).then_some(name)
}

/// Removes the leftovers whose final name `is_meant` accepts.
fn remove(folder: &Path, is_meant: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, path, kind) = (entry.file_name(), entry.path(), entry.file_type());
        let Some(kind) = kind.ok().filter(|kind| kind.is_file() || kind.is_dir()) else { continue };
        if !name.to_str().and_then(final_name).is_some_and(&is_meant) {
            continue;
        }
        // A process that is writing it has locked it.
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_ok() {
            // A leftover that cannot be removed does no harm.
            let _ = if kind.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// Returns the folder that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
