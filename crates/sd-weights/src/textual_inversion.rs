use std::path::{Path, PathBuf};

use crate::{Weights, WeightsError};

/// Vectors that stand for a new word in front of a text encoder (Gal et al. 2022).
#[derive(Debug, Clone, PartialEq)]
pub struct TextualInversion {
    /// The file.
    pub file: PathBuf,
    /// The word, as the file has it; else the file's name without its extension.
    pub word: String,
    /// For each text encoder, one vector after the other, and how many numbers each has. XL has two.
    pub vectors: Vec<(Vec<f32>, usize)>,
}

/// Keys of XL's two encoders.
const XL: [&str; 2] = ["clip_l", "clip_g"];

/// Keys that are not the word: of the first program, and of files for the web interface.
const NAMELESS: [&str; 2] = ["string_to_param.*", "emb_params"];

impl TextualInversion {
    /// Opens a file of the original program or the web interface (`.pt`), of diffusers (`.bin`, `.safetensors`), or of
    /// XL's with `clip_l` and `clip_g`.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] where it cannot be read, or holds something else.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let weights = Weights::in_file(path)?;
        let keys: Vec<&str> = weights.keys().collect();
        let nameless = NAMELESS.iter().find(|key| keys.contains(key));
        let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (word, chosen) = match (nameless, &keys[..]) {
            (Some(key), _) => (weights.metadata().get("name").cloned().unwrap_or_else(stem), vec![*key]),
            (None, ["clip_g", "clip_l"]) => (stem(), XL.to_vec()),
            (None, [word]) => ((*word).to_string(), vec![*word]),
            _ => {
                let some = keys.iter().take(3).copied().collect::<Vec<_>>().join(", ");
                let reason = format!("it has {} tensors ({some}), expected one, or clip_l and clip_g", keys.len());
                return Err(WeightsError::Format { file: path.to_path_buf(), format: "textual inversion", reason });
            }
        };
        let vectors = chosen.into_iter().map(|key| vectors(&weights, key)).collect::<Result<_, _>>()?;
        Ok(Self { file: path.to_path_buf(), word, vectors })
    }
}

/// The vectors of one text encoder, and how wide they are.
pub(crate) fn vectors(weights: &Weights, key: &str) -> Result<(Vec<f32>, usize), WeightsError> {
    let file = || weights.file_of(key);
    let shape = weights.shape(key).unwrap_or_default();
    let ([width] | [_, width]) = *shape else {
        let reason = format!("`{key}` is {shape:?}, expected [vectors, width]");
        return Err(WeightsError::Format { file: file(), format: "textual inversion", reason });
    };
    let numbers = weights.read(key)?;
    match numbers.iter().find(|number| !number.is_finite()) {
        Some(&found) => Err(WeightsError::NotFinite { file: file(), key: key.into(), found, dtype: "f32" }),
        None => Ok((numbers, width)),
    }
}
