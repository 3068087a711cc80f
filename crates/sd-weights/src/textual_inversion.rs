use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::FloatDType;
use safetensors::Dtype;

use crate::source::Source;
use crate::tensor_view::TensorView;
use crate::{Form, Weights, WeightsError, WeightsWriter};

/// Embedding vectors of a new word (Gal et al. 2022).
#[derive(Debug, Clone, PartialEq)]
pub struct TextualInversion {
    /// The file, or the first of several.
    pub file: PathBuf,
    /// The word that the file gives, or else the file's name without its extension.
    pub word: String,
    /// For each text encoder (XL has two), the values of its vectors, one vector after the other, and the vectors' width.
    pub vectors: Vec<(Vec<f32>, usize)>,
    /// Keys of the file that were not read.
    pub unread: Vec<String>,
}

/// Keys of the vectors for the first text encoder and the second, in the web interfaces and in pivotal tuning.
const ENCODERS: [[&str; 2]; 2] = [["clip_l", "clip_g"], ["text_encoders_0", "text_encoders_1"]];

/// The key in safetensors files for the web interface, and that of a tensor saved alone.
const NAMELESS: [&str; 2] = ["emb_params", ""];

/// The prefix of the original program's keys, before the word, and that of its tokens.
const ORIGINAL: &str = "string_to_param.";
const TOKENS: &str = "string_to_token.";

/// The original program's word if none was chosen.
const ANY: &str = "*";

impl TextualInversion {
    /// Opens a file of the original program or the web interfaces (`.pt`), of diffusers (`.bin`, `.safetensors`), of
    /// pivotal tuning (`.pti`), or of XL's with `clip_l` and `clip_g`.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if it cannot be read or holds something else.
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

    /// Writes the vectors for the first text encoder as diffusers' script of textual inversion does: a safetensors file with one
    /// tensor, `[vectors, width]`, whose key is the word.
    ///
    /// # Errors
    ///
    /// [`WeightsError::NotFinite`] for a value that is out of `dtype`'s range, and [`WeightsError::Io`]; nothing is left
    /// half-written.
    ///
    /// # Panics
    ///
    /// Panics if there are no vectors, or if their values do not divide into vectors of their width.
    pub fn save(&self, path: &Path, dtype: FloatDType) -> Result<(), WeightsError> {
        let (values, width) = self.vectors.first().expect("a word has vectors");
        assert!(values.len().is_multiple_of(*width), "{} values are no vectors of {width}", values.len());
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let shape = vec![values.len() / width, *width];
        let view = TensorView::in_rows(Source::held(path.into(), bytes.into()), 0, Dtype::F32, shape);
        let mut writer = WeightsWriter::default();
        writer.add_metadata("format", "pt");
        // A word may be spelt as one of the keys that name no word.
        writer.add_metadata("name", &self.word);
        writer.add_part(self.word.clone(), 0, view);
        writer.write(path, Form::Cast(dtype), &mut |_| ControlFlow::Continue(()))
    }

    /// Joins files of the same word, as there may be one for each text encoder.
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

/// Finds the word, if the keys contain it, and the keys of its vectors.
fn choose(weights: &Weights) -> Result<(Option<String>, Vec<&str>), WeightsError> {
    let all: Vec<&str> = weights.keys().filter(|key| is_vectors(weights, key)).collect();
    let is_there = |key: &&str| all.contains(key);
    for names in ENCODERS {
        let found: Vec<&str> = names.into_iter().filter(is_there).collect();
        if !found.is_empty() {
            return Ok((None, found));
        }
    }
    if let Some(key) = NAMELESS.into_iter().find(is_there) {
        return Ok((None, vec![key]));
    }
    let original: Vec<&str> = all.iter().copied().filter(|key| key.starts_with(ORIGINAL)).collect();
    let candidates = if original.is_empty() { all } else { original };
    if let [key] = candidates[..] {
        let word = key.strip_prefix(ORIGINAL).unwrap_or(key);
        return Ok(((word != ANY).then(|| word.to_string()), vec![key]));
    }
    let (count, what) = match candidates.len() {
        0 => (weights.keys().count(), "tensors, none of which holds the vectors of a word"),
        count => (count, "tensors of vectors, expected one, or clip_l and clip_g"),
    };
    let some: Vec<&str> = if candidates.is_empty() { weights.keys().collect() } else { candidates };
    let more = if some.len() > 3 { ", …" } else { "" };
    let some = some.into_iter().take(3).collect::<Vec<_>>().join(", ");
    let reason = format!("it has {count} {what} ({some}{more})");
    Err(WeightsError::Format { file: weights.origin().to_path_buf(), format: "textual inversion", reason })
}

/// Whether a tensor may hold the vectors of a word, rather than a number of steps or another table.
fn is_vectors(weights: &Weights, key: &str) -> bool {
    let may_be = |shape: &[usize]| matches!(shape, [width] | [_, width] if *width > 1) && !shape.contains(&0);
    weights.shape(key).is_some_and(may_be) && !key.starts_with(TOKENS)
}

/// Reads the vectors for one text encoder, and returns them with their width.
pub(crate) fn vectors(weights: &Weights, key: &str) -> Result<(Vec<f32>, usize), WeightsError> {
    let shape = weights.shape(key).unwrap_or_default();
    let ([width] | [_, width]) = *shape else {
        let (file, reason) = (weights.file_of(key), format!("`{key}` is {shape:?}, expected [vectors, width]"));
        return Err(WeightsError::Format { file, format: "textual inversion", reason });
    };
    let values = weights.read(key)?;
    match values.iter().find(|value| !value.is_finite()) {
        Some(&found) => {
            let (file, key) = (weights.file_of(key), key.to_string());
            Err(WeightsError::NotFinite { file, key, found, dtype: "f32" })
        }
        None => Ok((values, width)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_word_is_read_with_its_name_and_its_values() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("learned_embeds.safetensors");
        // The second is also the key of a nameless file, and the third of a file for XL.
        for word in ["<house>", "emb_params", "clip_l"] {
            let vectors = vec![(vec![0.1, -2.5, 3e-9, 4.0, 0.3, 7.0], 3)];
            let written = TextualInversion { file: file.clone(), word: word.into(), vectors, unread: Vec::new() };
            written.save(&file, FloatDType::F32).unwrap();
            assert_eq!(TextualInversion::open(&file).unwrap(), written);
            let weights = Weights::in_file(&file).unwrap();
            assert_eq!(weights.shape(word), Some(&[2, 3][..]));
            assert_eq!(weights.keys().count(), 1);
        }
    }
}
