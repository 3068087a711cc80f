use std::path::{Path, PathBuf};

use crate::WeightsError;
use crate::exists::{first_file, weight_files};

/// Names of an adapter's weights in PEFT and diffusers.
const STEMS: [&str; 2] = ["adapter_model", "pytorch_lora_weights"];

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
        found = weight_files(path).map_err(|source| WeightsError::Io { file: path.to_path_buf(), source })?;
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
