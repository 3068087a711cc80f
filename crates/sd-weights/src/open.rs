use std::path::Path;

use crate::exists::first_file;
use crate::source::Source;
use crate::{Weights, WeightsError, detect, safetensors_file, scaled, shards};

impl Weights {
    /// Finds the weights called `stem` in a folder of the diffusers layout.
    ///
    /// They may be one file or several with an index, in full precision or, with `fp16` in their name, in half precision.
    /// Full precision is preferred to half, safetensors to PyTorch's files, and these to GGUF.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if there are none, or if a header is damaged.
    pub fn in_folder(folder: &Path, stem: &str) -> Result<Self, WeightsError> {
        // transformers gives the same file another name when PyTorch wrote it.
        let torch = if stem == "model" { "pytorch_model" } else { stem };
        let names = [(stem, "safetensors"), (torch, "bin"), (stem, "gguf")].map(|(stem, kind)| {
            [
                format!("{stem}.{kind}"),
                format!("{stem}.{kind}.index.json"),
                format!("{stem}.fp16.{kind}"),
                format!("{stem}.{kind}.index.fp16.json"),
                format!("{stem}.fp16.{kind}.index.json"),
            ]
        });
        match first_file(names.iter().flatten().map(|name| folder.join(name)))? {
            Some(path) if path.extension().is_some_and(|e| e == "json") => shards::open(folder, &path),
            Some(path) => Self::in_file(&path),
            None => Err(WeightsError::NotFound {
                folder: folder.to_path_buf(),
                looked_for: format!("{} and {} (also .fp16 and sharded)", names[0][0], names[1][0]),
            }),
        }
    }

    /// Opens one file: safetensors, GGUF, or what `torch.save` writes, in its present format or the one before PyTorch 1.6.
    ///
    /// The first bytes decide which it is. Pickles are interpreted, never run: they can build dictionaries and tensors, and
    /// call nothing.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if the file cannot be read or is damaged, and for a pickle that asks for more than weights need.
    pub fn in_file(path: &Path) -> Result<Self, WeightsError> {
        scaled::resolve(detect::open(path)?)
    }

    /// Opens a safetensors file that is part of the program, and reads it in place; messages call it `name`.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if it is damaged.
    pub fn built_in(name: &Path, bytes: &'static [u8]) -> Result<Self, WeightsError> {
        safetensors_file::open(&Source::built_in(name, bytes), bytes, bytes.len() as u64)
    }
}
