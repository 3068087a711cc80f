use std::path::{Path, PathBuf};

use crate::{Weights, WeightsError};

/// Vectors that stand for a new word in front of a text encoder (Gal et al. 2022).
#[derive(Debug, Clone, PartialEq)]
pub struct TextualInversion {
    /// The file, or the first of several.
    pub file: PathBuf,
    /// The word, as the file has it; else the file's name without its extension.
    pub word: String,
    /// For each text encoder, one vector after the other, and how many values each has. XL has two.
    pub vectors: Vec<(Vec<f32>, usize)>,
    /// Keys of the file that are not read.
    pub unread: Vec<String>,
}

/// Keys of vectors for the first text encoder and the second: of the web interfaces, and of pivotal tuning.
const ENCODERS: [[&str; 2]; 2] = [["clip_l", "clip_g"], ["text_encoders_0", "text_encoders_1"]];

/// The key of files for the web interface in safetensors, and that of a tensor that is saved alone.
const NAMELESS: [&str; 2] = ["emb_params", ""];

/// What the keys of the original program begin with, before its word; and what it has beside them.
const ORIGINAL: &str = "string_to_param.";
const TOKENS: &str = "string_to_token.";

/// The original program's word where none was chosen.
const ANY: &str = "*";

impl TextualInversion {
    /// Opens a file of the original program or the web interfaces (`.pt`), of diffusers (`.bin`, `.safetensors`), of
    /// pivotal tuning (`.pti`), or of XL's with `clip_l` and `clip_g`.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] where it cannot be read, or holds something else.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let weights = Weights::in_file(path)?;
        let (word, chosen) = choose(&weights)?;
        let unread = weights.keys().filter(|key| !chosen.contains(key) && !key.starts_with(TOKENS));
        let unread = unread.map(str::to_string).collect();
        let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let word = word.or_else(|| weights.metadata().get("name").cloned()).unwrap_or_else(stem);
        let vectors = chosen.into_iter().map(|key| vectors(&weights, key)).collect::<Result<_, _>>()?;
        Ok(Self { file: path.to_path_buf(), word, vectors, unread })
    }

    /// The words of some files: those of one word, which has a file for each text encoder, are put together.
    pub fn joined(files: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut words: Vec<Self> = Vec::new();
        for file in files {
            match words.iter_mut().find(|found| found.word.to_lowercase() == file.word.to_lowercase()) {
                Some(found) => {
                    found.vectors.extend(file.vectors);
                    found.unread.extend(file.unread);
                }
                None => words.push(file),
            }
        }
        words
    }
}

/// The word, if the keys tell it, and the keys of its vectors.
fn choose(weights: &Weights) -> Result<(Option<String>, Vec<&str>), WeightsError> {
    let all: Vec<&str> = weights.keys().filter(|key| is_vectors(weights, key)).collect();
    let has = |key: &&str| all.contains(key);
    for names in ENCODERS {
        let found: Vec<&str> = names.into_iter().filter(has).collect();
        if !found.is_empty() {
            return Ok((None, found));
        }
    }
    if let Some(key) = NAMELESS.into_iter().find(has) {
        return Ok((None, vec![key]));
    }
    let original: Vec<&str> = all.iter().copied().filter(|key| key.starts_with(ORIGINAL)).collect();
    let candidates = if original.is_empty() { all } else { original };
    if let [key] = candidates[..] {
        let word = key.strip_prefix(ORIGINAL).unwrap_or(key);
        return Ok(((word != ANY).then(|| word.to_string()), vec![key]));
    }
    let (count, what) = match candidates.len() {
        0 => (weights.keys().count(), "tensors, none of which is the vectors of a word"),
        count => (count, "tensors of vectors, where the one of a word, or clip_l and clip_g, are expected"),
    };
    let some: Vec<&str> = if candidates.is_empty() { weights.keys().collect() } else { candidates };
    let more = if some.len() > 3 { ", …" } else { "" };
    let some = some.into_iter().take(3).collect::<Vec<_>>().join(", ");
    let reason = format!("it has {count} {what} ({some}{more})");
    Err(WeightsError::Format { file: weights.origin().to_path_buf(), format: "textual inversion", reason })
}

/// Whether a tensor may be the vectors of a word, rather than a number of steps or a table for something else.
fn is_vectors(weights: &Weights, key: &str) -> bool {
    let may_be = |shape: &[usize]| matches!(shape, [width] | [_, width] if *width > 1) && !shape.contains(&0);
    weights.shape(key).is_some_and(may_be) && !key.starts_with(TOKENS)
}

/// The vectors of one text encoder, and how wide they are.
pub(crate) fn vectors(weights: &Weights, key: &str) -> Result<(Vec<f32>, usize), WeightsError> {
    let shape = weights.shape(key).unwrap_or_default();
    let ([width] | [_, width]) = *shape else {
        let (file, reason) = (weights.file_of(key), format!("`{key}` is {shape:?}, expected [vectors, width]"));
        return Err(WeightsError::Format { file, format: "textual inversion", reason });
    };
    let numbers = weights.read(key)?;
    match numbers.iter().find(|number| !number.is_finite()) {
        Some(&found) => {
            let (file, key) = (weights.file_of(key), key.to_string());
            Err(WeightsError::NotFinite { file, key, found, dtype: "f32" })
        }
        None => Ok((numbers, width)),
    }
}
