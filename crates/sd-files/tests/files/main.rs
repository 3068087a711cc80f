//! Files and folders are written completely or not at all, to wherever a path leads.

mod atomic;
#[cfg(unix)]
mod destination;
mod leftovers;

use std::fs;
use std::path::Path;

/// Lists the names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
