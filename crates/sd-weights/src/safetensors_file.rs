use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use safetensors::tensor::Metadata;
use serde_json::{Map, Value, json};

use crate::draft::Draft;
use crate::source::Source;
use crate::tensor_view::TensorView;
use crate::{Weights, WeightsError};

/// The longest header in bytes, as in the format's own reader, so that a damaged length does not allocate all memory.
const LONGEST_HEADER: u64 = 100_000_000;

/// Reads the header of a safetensors file of `found` bytes.
pub(crate) fn open(path: &Source, file: impl Read, found: u64) -> Result<Weights, WeightsError> {
    let format = |reason: String| WeightsError::Format { file: path.to_path_buf(), format: "safetensors", reason };
    let truncated = |expected| WeightsError::Truncated { file: path.to_path_buf(), expected, found };
    let mut file = BufReader::new(file);
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| truncated(8))?;
    let start = u64::from_le_bytes(length).saturating_add(8);
    if start > LONGEST_HEADER {
        return Err(format(format!("a header of {start} bytes")));
    }
    if start > found {
        return Err(truncated(start));
    }
    let mut header = vec![0; (start - 8) as usize];
    file.read_exact(&mut header).map_err(|_| truncated(start))?;
    // This also checks that the tensors follow each other without gaps and have the lengths that their shapes imply.
    let header: Metadata = serde_json::from_slice(&header).map_err(|e| format(e.to_string()))?;
    let end = start.checked_add(header.data_len() as u64).ok_or_else(|| format("values beyond 2⁶⁴ bytes".into()))?;
    if end > found {
        return Err(truncated(end));
    }
    if end < found {
        return Err(format(format!("its header describes {end} bytes, but it has {found}")));
    }
    let view = |info: &safetensors::tensor::TensorInfo| {
        TensorView::in_rows(path.clone(), start + info.data_offsets.0 as u64, info.dtype, info.shape.clone())
    };
    let tensors = header.tensors().into_iter().map(|(key, info)| (key, view(info))).collect();
    let metadata = header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    Ok(Weights::new(path.to_path_buf(), tensors, metadata))
}

/// Returns the bytes before the values of a file to write, and the alignment of each tensor. The widest types come first, so
/// that each starts at a multiple of its width.
pub(crate) fn head(metadata: &BTreeMap<String, String>, drafts: &mut [Draft<'_>]) -> (Vec<u8>, usize) {
    drafts.sort_by_key(|draft| std::cmp::Reverse(draft.stored.bytes(1)));
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".into(), json!(metadata));
    }
    let mut end = 0;
    for draft in drafts.iter() {
        let (start, dtype) = (end, draft.stored.to_string().to_uppercase());
        end += draft.bytes();
        let info = json!({ "dtype": dtype, "shape": draft.shape, "data_offsets": [start, end] });
        header.insert(draft.key.to_string(), info);
    }
    let mut header = Value::Object(header).to_string();
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    ([&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat(), 1)
}
