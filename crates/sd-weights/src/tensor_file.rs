use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize};

use crate::{Weights, WeightsError, write_atomically};

/// Reads the tensor `key` of a safetensors file in single precision, with its shape.
///
/// # Errors
///
/// [`WeightsError`] if the file or the key cannot be read.
pub fn read_tensor(path: &Path, key: &str) -> Result<(Vec<f32>, Vec<usize>), WeightsError> {
    let weights = Weights::in_file(path)?;
    let Some(tensor) = weights.tensors.get(key) else {
        let found: Vec<&str> = weights.tensors.keys().take(3).map(String::as_str).collect();
        let reason = format!("no key `{key}`, but {}", found.join(", "));
        return Err(WeightsError::Format { file: path.to_path_buf(), format: "latents", reason });
    };
    Ok((weights.read(key)?, tensor.shape.clone()))
}

/// Writes one tensor as a safetensors file.
///
/// # Errors
///
/// [`WeightsError::Io`]; nothing is left half-written.
///
/// # Panics
///
/// Panics if the number of `values` is not that of `shape`.
pub fn write_tensor(path: &Path, key: &str, values: &[f32], shape: &[usize]) -> Result<(), WeightsError> {
    let view = TensorView::new(Dtype::F32, shape.to_vec(), bytemuck::cast_slice(values));
    let view = view.unwrap_or_else(|error| panic!("{} values for shape {shape:?}: {error}", values.len()));
    let bytes = serialize([(key, view)], None).expect("one tensor fits a file");
    write_atomically(path, |file| file.write_all(&bytes))
        .map_err(|source| WeightsError::Io { file: path.to_path_buf(), source })
}
