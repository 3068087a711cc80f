use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use serde::Deserialize;

use super::Pictures;
use crate::RecipeError;

/// Pictures of these kinds are looked for.
const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// The pictures of a folder, in the order of their names, cut to the square in their middle and scaled.
///
/// A picture that cannot be read, or has no caption where one is needed, is left out.
pub(super) fn read(folder: &Path, size: usize, with_captions: bool) -> Result<Pictures, RecipeError> {
    let files = files(folder)?;
    let wrong = |reason: String| RecipeError::Data { folder: folder.to_path_buf(), reason };
    if files.is_empty() {
        return Err(wrong(format!("no pictures in it: looked for .{}", EXTENSIONS.join(", ."))));
    }
    let captions = if with_captions { Captions::read(folder)? } else { Captions::default() };
    let mut pictures = Pictures { size, ..Pictures::default() };
    for file in files {
        let caption = if with_captions { captions.of(&file) } else { Ok(String::new()) };
        match caption.and_then(|caption| Ok((caption, square(&file, size)?))) {
            Ok((caption, rgb)) => {
                pictures.rgb.extend(rgb);
                pictures.captions.push(caption);
            }
            Err(reason) => pictures.skipped.push((file, reason)),
        }
    }
    pictures.skipped.extend(captions.bad);
    if pictures.is_empty() {
        let (file, reason) = &pictures.skipped[0];
        return Err(wrong(format!("none of its pictures can be used; {}: {reason}", file.display())));
    }
    Ok(pictures)
}

/// The pictures, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, RecipeError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(RecipeError::io(folder))? {
        let file = entry.map_err(RecipeError::io(folder))?.path();
        let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The square in the middle of a picture, `size` wide and high.
fn square(file: &Path, size: usize) -> Result<Vec<u8>, String> {
    let reader = image::ImageReader::open(file).and_then(|reader| reader.with_guessed_format());
    let picture = reader.map_err(|error| error.to_string())?.decode().map_err(|error| error.to_string())?;
    let side = picture.width().min(picture.height());
    let (left, top) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
    let picture = picture.crop_imm(left, top, side, side);
    Ok(picture.resize_exact(size as u32, size as u32, FilterType::Lanczos3).to_rgb8().into_raw())
}

/// The captions of a folder's pictures: lines of `metadata.jsonl`, or else a `.txt` of the picture's name.
#[derive(Default)]
struct Captions {
    by_name: BTreeMap<String, String>,
    /// Lines that say nothing.
    bad: Vec<(PathBuf, String)>,
}

/// A line of `metadata.jsonl`; what else is in it is of no use here.
#[derive(Deserialize)]
struct Line {
    file_name: String,
    text: String,
}

impl Captions {
    fn read(folder: &Path) -> Result<Self, RecipeError> {
        let file = folder.join("metadata.jsonl");
        let mut captions = Self::default();
        if !file.exists() {
            return Ok(captions);
        }
        let text = fs::read_to_string(&file).map_err(RecipeError::io(&file))?;
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            match serde_json::from_str::<Line>(line) {
                Ok(line) => drop(captions.by_name.insert(line.file_name, line.text)),
                Err(error) => captions.bad.push((file.clone(), format!("line {number}: {error}"))),
            }
        }
        Ok(captions)
    }

    fn of(&self, file: &Path) -> Result<String, String> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if let Some(caption) = self.by_name.get(name.as_ref()) {
            return Ok(caption.clone());
        }
        let text = file.with_extension("txt");
        match fs::read_to_string(&text) {
            Ok(caption) => Ok(caption.trim().to_string()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err("no caption: neither a line of metadata.jsonl nor a .txt beside it".into())
            }
            Err(error) => Err(format!("{}: {error}", text.display())),
        }
    }
}
