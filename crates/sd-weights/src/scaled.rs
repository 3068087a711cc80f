//! Eight-bit weights with a scale beside them, as ComfyUI writes them.

use std::sync::Arc;

use safetensors::Dtype;

use crate::{Weights, WeightsError};

/// Names of the scale of a module's `weight`: in the first files, and in later ones.
const SCALES: [&str; 2] = ["scale_weight", "weight_scale"];

/// A marker of files with scales, and the scales of eight-bit activations. They do not change the weights.
const UNUSED: [&str; 3] = ["scaled_fp8", "scale_input", "input_scale"];

/// A layer's format in later files, as the bytes of a JSON text. With eight-bit floats and one scale it adds nothing.
const FORMAT: &str = "comfy_quant";

/// Tensors beside other kinds of quantized weights: those of bitsandbytes, and scales of blocks.
const OTHERS: [&str; 5] = ["SCB", "absmax", "quant_map", "weight_scale_2", "weight_scale_inv"];

/// Attaches each weight's scale, to multiply by when it is read, and leaves out the tensors that describe scales.
///
/// # Errors
///
/// [`WeightsError::Quantized`] for weights of another kind, or with a scale for each row or block.
pub(crate) fn resolve(mut weights: Weights) -> Result<Weights, WeightsError> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_string();
    let keys: Vec<(String, String)> = weights.tensors.keys().map(|key| (key.clone(), last(key))).collect();
    let refuse = |key: &str| Err(WeightsError::Quantized { file: weights.origin.clone(), key: key.to_string() });
    if let Some((key, _)) = keys.iter().find(|(_, name)| OTHERS.contains(&&name[..])) {
        return refuse(key);
    }
    let mut scales = Vec::new();
    for (key, name) in keys.iter().filter(|(_, name)| SCALES.contains(&&name[..]) || name == FORMAT) {
        let weight = format!("{}weight", &key[..key.len() - name.len()]);
        let is_float8 = |dtype| matches!(dtype, Dtype::F8_E4M3 | Dtype::F8_E5M2);
        if !weights.dtype(&weight).is_some_and(is_float8) {
            return refuse(key);
        }
        if name != FORMAT {
            scales.push((key, weight));
        }
    }
    if let Some((key, _)) = scales.iter().find(|(key, _)| weights.tensors[*key].elements() != 1) {
        return refuse(key);
    }
    for (key, weight) in scales {
        let scale = weights.tensors.get(key).cloned().map(Arc::new);
        if let Some(tensor) = weights.tensors.get_mut(&weight) {
            tensor.scale = scale;
        }
    }
    weights.tensors.retain(|key, _| {
        let name = last(key);
        !(SCALES.contains(&&name[..]) || UNUSED.contains(&&name[..]) || name == FORMAT)
    });
    Ok(weights)
}
