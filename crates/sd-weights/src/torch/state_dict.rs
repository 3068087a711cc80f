use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::fault::{Fault, malformed};
use super::unpickler::{LONGEST_NAME, MOST_VALUES, Object, Pickle, Tensor, Value};
use crate::Weights;
use crate::source::Source;
use crate::tensor_view::TensorView;

/// The position of a storage's bytes in the file.
#[derive(Debug, Clone, Copy)]
pub struct Bytes {
    pub offset: u64,
    pub length: u64,
}

/// Keys under which training checkpoints keep their weights.
const NESTS: [&str; 2] = ["state_dict", "model"];

/// Collects the tensors of a pickle by name, with the numbers and texts beside them as metadata.
pub fn weights(path: &Path, pickle: &Pickle, storages: &BTreeMap<String, Bytes>) -> Result<Weights, Fault> {
    let file: Arc<Path> = path.into();
    let mut weights = Weights::new(path.to_path_buf(), BTreeMap::new(), BTreeMap::new());
    let mut root = pickle.root;
    // A dictionary may contain itself, so the loop is bounded.
    for _ in 0..NESTS.len() + 1 {
        add(&mut weights.metadata, pickle, root);
        match NESTS.iter().filter_map(|key| pickle.get(root, key)).find(|nest| pickle.dict(*nest).is_some()) {
            Some(nest) => root = nest,
            None => break,
        }
    }
    if let Some(Object::Tensor(tensor)) = pickle.object(root) {
        weights.tensors.insert(String::new(), view(&file, "", tensor, storages)?);
        return Ok(weights);
    }
    let Some(entries) = pickle.dict(root) else {
        return malformed("it holds no dictionary of weights");
    };
    let mut seen = 0;
    for &(key, value) in entries {
        let Some(key) = name(pickle, key) else { continue };
        match pickle.object(value) {
            Some(Object::Tensor(tensor)) => {
                weights.tensors.insert(key.to_string(), view(&file, key, tensor, storages)?);
            }
            // Embeddings of new words have nested dictionaries.
            Some(Object::Dict(inner)) => {
                // The same dictionary may occur a million times.
                seen += inner.len();
                if seen > MOST_VALUES {
                    return malformed(format!("its dictionaries have more than {MOST_VALUES} entries"));
                }
                for &(last, value) in inner {
                    if let (Some(last), Some(Object::Tensor(tensor))) = (name(pickle, last), pickle.object(value)) {
                        let key = format!("{key}.{last}");
                        weights.tensors.insert(key.clone(), view(&file, &key, tensor, storages)?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(weights)
}

/// Returns a text that may be a name.
fn name(pickle: &Pickle, value: Value) -> Option<&str> {
    pickle.text(value).filter(|text| text.len() <= LONGEST_NAME)
}

fn add(metadata: &mut BTreeMap<String, String>, pickle: &Pickle, dict: Value) {
    for &(key, value) in pickle.dict(dict).into_iter().flatten() {
        let text = match value {
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Int(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            value => pickle.text(value).filter(|text| text.len() <= LONGEST_NAME).map(str::to_string),
        };
        if let (Some(key), Some(text)) = (name(pickle, key), text) {
            metadata.insert(key.to_string(), text);
        }
    }
}

/// Makes the view of a tensor after checking that it lies in its storage and does not repeat values, so that no more is
/// read than the file holds.
fn view(file: &Arc<Path>, key: &str, tensor: &Tensor, storages: &BTreeMap<String, Bytes>) -> Result<TensorView, Fault> {
    let Tensor { storage, dtype, offset, shape, strides } = tensor;
    let held = storage.held.as_ref().map(|held| Bytes { offset: 0, length: held.len() as u64 });
    let Some(bytes) = held.as_ref().or_else(|| storages.get(&storage.key)) else {
        return malformed(format!("`{key}` is in storage {:?}, which the file does not have", storage.key));
    };
    let size = (dtype.bitsize() / 8) as u64;
    let outside = || Fault::Malformed(format!("`{key}` is {shape:?} by {strides:?} from {offset}, beyond its storage"));
    let held = bytes.length / size;
    let elements = shape.iter().try_fold(1_usize, |product, n| product.checked_mul(*n)).ok_or_else(outside)?;
    let last = shape.iter().zip(strides).try_fold(*offset, |last, (n, stride)| {
        n.saturating_sub(1).checked_mul(*stride).and_then(|step| last.checked_add(step))
    });
    let last = last.ok_or_else(outside)? as u64;
    if elements > 0 && (last >= held || elements as u64 > held) {
        return Err(outside());
    }
    // The offset of an empty tensor may be anything.
    let offset = if elements > 0 { bytes.offset + *offset as u64 * size } else { bytes.offset };
    let source = match &storage.held {
        Some(held) => Source::held(file.clone(), held.clone()),
        None => file.clone().into(),
    };
    let contiguous = TensorView::in_rows(source, offset, *dtype, shape.clone());
    Ok(TensorView { strides: strides.clone(), ..contiguous })
}
