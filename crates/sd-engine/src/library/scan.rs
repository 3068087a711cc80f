use std::collections::BTreeMap;
use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};

use super::{Entry, Kind};

/// Lists the files of a folder and of the folders in it, by name without extension.
pub fn scan(kind: Kind, folder: &Path) -> Result<Vec<Entry>> {
    let mut found = BTreeMap::new();
    add(kind, folder, DEEPEST, &mut found)?;
    Ok(found.into_iter().map(|(name, path)| Entry { kind, name, path: Some(path) }).collect())
}

/// How deep folders are searched: links may form a ring.
const DEEPEST: usize = 8;

fn add(kind: Kind, folder: &Path, depth: usize, found: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() && !is_one(kind, &path) {
            if depth > 0 {
                // One that cannot be read has no files for us.
                let _ = add(kind, &path, depth - 1, found);
            }
        } else if path.is_dir() || has_extension(kind, &path) {
            let entry = Entry::at(kind, &path);
            found.entry(entry.name).or_insert(path);
        }
    }
    Ok(())
}

/// Whether a folder is one network or model.
fn is_one(kind: Kind, folder: &Path) -> bool {
    match kind {
        Kind::Model => folder.join("model_index.json").is_file(),
        Kind::Vae | Kind::Control => folder.join("config.json").is_file(),
        Kind::Lora | Kind::Embedding | Kind::Upscaler => false,
    }
}

fn has_extension(kind: Kind, path: &Path) -> bool {
    let extensions: &[&str] = match kind {
        Kind::Model => &["safetensors", "gguf", "ckpt"],
        Kind::Lora | Kind::Embedding => &["safetensors", "pt", "bin", "ckpt", "pti"],
        Kind::Vae => &["safetensors", "pt", "bin", "ckpt"],
        Kind::Upscaler | Kind::Control => &["safetensors", "pth", "pt", "bin"],
    };
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| extensions.contains(&extension.to_lowercase().as_str()))
}
