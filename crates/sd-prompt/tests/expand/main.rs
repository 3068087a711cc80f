//! Wildcards, combinations and styles.

mod combinations;
mod drawing;
mod errors;
mod expansions;
mod properties;
mod styles;
mod text;
mod wildcards;

use std::fs;

use sd_prompt::{ExpandError, Template, Wildcards};
use tempfile::TempDir;

/// All texts of a template without wildcards.
fn all(text: &str) -> Vec<String> {
    all_with(text, &Wildcards::none()).unwrap()
}

fn all_with(text: &str, wildcards: &Wildcards) -> Result<Vec<String>, ExpandError> {
    Template::parse(text).all(wildcards).collect()
}

/// A folder of wildcards with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

fn wildcards(files: &[(&str, &str)]) -> (TempDir, Wildcards) {
    let folder = folder(files);
    let wildcards = Wildcards::in_folder(folder.path()).unwrap();
    (folder, wildcards)
}
