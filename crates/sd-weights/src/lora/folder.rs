use std::path::{Path, PathBuf};

use crate::WeightsError;
use crate::exists::first_file;

/// Names of an adapter's weights in PEFT and diffusers.
const STEMS: [&str; 2] = ["adapter_model", "pytorch_lora_weights"];

/// Extensions of files that may hold weights.
const KINDS: [&str; 5] = ["safetensors", "bin", "pt", "pth", "ckpt"];

/// Returns the file at `path`, or the only adapter in the folder at `path`.
pub(crate) fn locate(path: &Path) -> Result<PathBuf, WeightsError> {
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    let mut found = Vec::new();
    for names in STEMS.map(|stem| ["safetensors", "bin"].map(|kind| path.join(format!("{stem}.{kind}")))) {
        found.extend(first_file(names)?);
    }
    if found.is_empty() {
        found = weights_in(path).map_err(|source| WeightsError::Io { file: path.to_path_buf(), source })?;
    }
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => Err(WeightsError::NotFound {
            folder: path.to_path_buf(),
            looked_for: "adapter_model or pytorch_lora_weights, or one other .safetensors, .bin, .pt or .ckpt".into(),
        }),
        _ => {
            let names =
                found.iter().take(3).filter_map(|file| file.file_name()?.to_str()).collect::<Vec<_>>().join(", ");
            let reason =
                format!("it is a folder with {} files of weights ({names}): name the one to merge", found.len());
            Err(WeightsError::Format { file: path.to_path_buf(), format: "LoRA", reason })
        }
    }
}

fn weights_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let paths = folder.read_dir()?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
    let is_weights = |path: &PathBuf| {
        path.extension().and_then(|e| e.to_str()).is_some_and(|kind| KINDS.contains(&kind)) && path.is_file()
    };
    let mut found: Vec<PathBuf> = paths.into_iter().filter(is_weights).collect();
    found.sort();
    Ok(found)
}
