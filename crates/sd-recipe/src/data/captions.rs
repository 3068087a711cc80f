use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::files::Files;
use crate::RecipeError;
use crate::text::read_text;

/// The captions of images: lines of a `metadata.jsonl`, or else a `.txt` of the image's name.
#[derive(Default)]
pub(super) struct Captions {
    /// Those of lines, by the image's path.
    of_lines: BTreeMap<PathBuf, String>,
    /// Lines that say nothing, and why.
    pub bad: Vec<(PathBuf, String)>,
}

/// A line of `metadata.jsonl`; what else is in it is of no use here.
#[derive(Deserialize)]
struct Line {
    /// Relative to the folder that the file is in.
    file_name: String,
    text: String,
}

impl Captions {
    /// Reads the lines about some files. The nearest `metadata.jsonl` counts where several tell of one image.
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
                // Windows has other slashes.
                let names = [file_name.clone(), file_name.replace('\\', "/")];
                match names.iter().map(|name| inside(folder, name)).find(|image| images.contains(image.as_path())) {
                    Some(image) => drop(captions.of_lines.insert(image, text)),
                    None => bad(format!("there is no image {file_name:?}")),
                }
            }
        }
        Ok(captions)
    }

    /// The caption of an image, or why there is none.
    pub fn of(&self, image: &Path) -> Result<String, String> {
        if let Some(caption) = self.of_lines.get(image) {
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

/// The path of a name that is relative to a folder, without `.` and `..`.
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
