//! GGUF files, versions 2 and 3, as stable-diffusion.cpp and ComfyUI-GGUF write them.
//!
//! A header lists settings and tensors, each with its place in the aligned rest of the file. Sizes are in the opposite order of
//! PyTorch's: the first is that of a row.

mod header;
mod types;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use self::header::{Header, Value};
use crate::source::Source;
use crate::stored_type::StoredType;
use crate::tensor_view::TensorView;
use crate::{Weights, WeightsError};

use types::MAGIC;
pub(crate) use write::{head, is_name};

/// The settings that ComfyUI-GGUF keeps the shapes of tensors in whose rows it has changed, before the tensors' names.
const SHAPES: &str = "comfy.gguf.orig_shape.";

/// Reads the header of a GGUF file of `found` bytes.
pub(crate) fn open(path: &Source, file: impl Read, found: u64) -> Result<Weights, WeightsError> {
    let format = |reason: String| WeightsError::Format { file: path.to_path_buf(), format: "GGUF", reason };
    let header = Header::read(file).map_err(format)?;
    let mut metadata = BTreeMap::new();
    let mut shapes = HashMap::new();
    for (key, value) in header.settings {
        match (value, key.strip_prefix(SHAPES)) {
            (Value::Text(text), _) => drop(metadata.insert(key, text)),
            (Value::Sizes(sizes), Some(name)) => drop(shapes.insert(name.to_string(), sizes)),
            (Value::Sizes(_) | Value::Skipped, _) => {}
        }
    }
    let mut tensors = BTreeMap::new();
    let mut places = Vec::new();
    for tensor in header.tensors {
        let name = &tensor.name;
        let Some(dtype) = types::stored(tensor.dtype) else {
            let (file, found) = (path.to_path_buf(), types::name(tensor.dtype));
            return Err(WeightsError::WrongType { file, key: name.clone(), found });
        };
        let shape: Vec<usize> = tensor.sizes.iter().rev().copied().collect();
        let too_large = || format(format!("`{name}` is {shape:?}, more than a file can hold"));
        let elements = product(&shape).ok_or_else(too_large)?;
        let row = shape.last().copied().unwrap_or(1);
        let bytes = match dtype {
            StoredType::Blocks(kind) if !row.is_multiple_of(kind.values()) => {
                return Err(format(format!("rows of {row} values of `{name}` are no whole blocks of {kind}")));
            }
            dtype => dtype.bytes(elements).ok_or_else(too_large)? as u64,
        };
        let start = header.start.checked_add(tensor.offset).ok_or_else(too_large)?;
        places.push((start, start.checked_add(bytes).ok_or_else(too_large)?));
        let shape = match shapes.remove(name) {
            Some(original) if product(&original) == Some(elements) => original,
            Some(original) => {
                return Err(format(format!("`{name}` is {shape:?}, which is not as many values as {original:?}")));
            }
            None => shape,
        };
        let view = TensorView::in_rows(path.clone(), start, dtype, shape);
        if let Some(twice) = tensors.insert(tensor.name.clone(), view).map(|_| tensor.name) {
            return Err(format(format!("it has two tensors `{twice}`")));
        }
    }
    if let Some((_, end)) = places.iter().max_by_key(|(_, end)| *end).filter(|(_, end)| *end > found) {
        return Err(WeightsError::Truncated { file: path.to_path_buf(), expected: *end, found });
    }
    places.sort_unstable();
    if let Some(pair) = places.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        return Err(format(format!("its tensors overlap at byte {}", pair[1].0)));
    }
    Ok(Weights::new(path.to_path_buf(), tensors, metadata))
}

fn product(sizes: &[usize]) -> Option<usize> {
    sizes.iter().try_fold(1_usize, |product, size| product.checked_mul(*size))
}
