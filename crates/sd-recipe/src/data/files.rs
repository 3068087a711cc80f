use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::RecipeError;

/// The extensions of images.
pub(super) const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// The images and captions in a folder and its subfolders.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// The images, sorted by name.
    pub images: Vec<PathBuf>,
    /// Each `metadata.jsonl`, outer folders before their subfolders.
    pub metadata: Vec<PathBuf>,
}

impl Files {
    /// Searches a folder, but not the `others`, which may be in it: the training's own samples, and conditions.
    ///
    /// Names that begin with a dot or two underscores are skipped, as in Hugging Face's `imagefolder`: systems keep
    /// thumbnails and the like there.
    pub fn find(folder: &Path, others: &[PathBuf]) -> Result<Self, RecipeError> {
        let (mut found, mut left) = (Self::default(), vec![folder.to_path_buf()]);
        // Links may lead to folders that were searched before.
        let mut seen: HashSet<PathBuf> = others.iter().filter_map(|other| other.canonicalize().ok()).collect();
        while let Some(folder) = left.pop() {
            let io = RecipeError::io(&folder);
            if !seen.insert(folder.canonicalize().map_err(&io)?) {
                continue;
            }
            for entry in fs::read_dir(&folder).map_err(&io)? {
                let file = entry.map_err(&io)?.path();
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                match name.as_ref() {
                    hidden if hidden.starts_with('.') || hidden.starts_with("__") => {}
                    _ if file.is_dir() => left.push(file),
                    "metadata.jsonl" => found.metadata.push(file),
                    _ if is_image(&file) => found.images.push(file),
                    _ => {}
                }
            }
        }
        found.images.sort();
        found.metadata.sort_by_key(|file| (file.components().count(), file.clone()));
        Ok(found)
    }
}

fn is_image(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
}
