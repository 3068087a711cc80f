use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::files::Files;
use crate::RecipeError;
use crate::text::read_text;

/// The captions of images: from lines of a `metadata.jsonl`, or else from a `.txt` with the image's name.
#[derive(Default)]
pub(super) struct Captions {
    /// Captions of `metadata.jsonl`, by the path of the image.
    in_lines: BTreeMap<PathBuf, String>,
    /// Lines that cannot be used, and why.
    pub bad: Vec<(PathBuf, String)>,
}

/// A line of `metadata.jsonl`; other keys are ignored.
#[derive(Deserialize)]
struct Line {
    /// Relative to the folder of the file.
    file_name: String,
    text: String,
}

impl Captions {
    /// Reads every `metadata.jsonl`. If several have a line for one image, the nearest counts.
    pub fn read(files: &Files) -> Result<Self, RecipeError> {
        let images: BTreeSet<&Path> = files.images.iter().map(PathBuf::as_path).collect();
        let mut captions = Self::default();
        for file in &files.metadata {
            let folder = file.parent().unwrap_or(Path::new(""));
            let text = read_text(file)?;
            for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
                let mut bad = |reason| captions.bad.push((file.clone(), format!("line {number}: {reason}")));
                let Line { file_name, text } = match serde_json::from_str(line) {
                    Ok(line) => line,
                    Err(error) => {
                        bad(error.to_string());
                        continue;
                    }
                };
                // Windows separates folders by backslashes.
                let names = [file_name.clone(), file_name.replace('\\', "/")];
                match names.iter().map(|name| inside(folder, name)).find(|image| images.contains(image.as_path())) {
                    Some(image) => drop(captions.in_lines.insert(image, text)),
                    None => bad(format!("there is no image {file_name:?}")),
                }
            }
        }
        Ok(captions)
    }

    /// Returns the caption of an image, or why there is none.
    pub fn caption(&self, image: &Path) -> Result<String, String> {
        if let Some(caption) = self.in_lines.get(image) {
            return Ok(caption.clone());
        }
        let text = image.with_extension("txt");
        if !text.exists() {
            return Err("no caption: neither a line of metadata.jsonl nor a .txt beside it".into());
        }
        let caption = read_text(&text).map_err(|error| error.to_string())?;
        Ok(caption.trim().to_string())
    }
}

/// Joins a folder and a relative name, and resolves `.` and `..`.
fn inside(folder: &Path, name: &str) -> PathBuf {
    let mut path = folder.to_path_buf();
    for part in Path::new(name).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(path.pop()),
            other => path.push(other),
        }
    }
    path
}
