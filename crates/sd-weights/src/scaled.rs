//! Weights of eight bits that have a scale beside them, as ComfyUI writes them.

use std::sync::Arc;

use safetensors::Dtype;

use crate::{Weights, WeightsError};

/// What the scale of a module's `weight` is called: at first, and in later files.
const SCALES: [&str; 2] = ["scale_weight", "weight_scale"];

/// What says that there are scales, and what activations are scaled with where they are of eight bits too: nothing that
/// changes the weights.
const UNUSED: [&str; 3] = ["scaled_fp8", "scale_input", "input_scale"];

/// A layer's format, in later files, as JSON in bytes. With eight-bit floats and one scale it says nothing more.
const FORMAT: &str = "comfy_quant";

/// What other kinds of quantized weights have beside them: those of bitsandbytes, and scales of blocks.
const OTHERS: [&str; 5] = ["SCB", "absmax", "quant_map", "weight_scale_2", "weight_scale_inv"];

/// Has each weight multiplied by its scale when it is read, and leaves out the tensors that only tell of it.
///
/// # Errors
///
/// [`WeightsError::Quantized`] for weights of another kind, or with a scale for each row or block.
pub(crate) fn resolve(mut weights: Weights) -> Result<Weights, WeightsError> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_string();
    let told: Vec<(String, String)> = weights.tensors.keys().map(|key| (key.clone(), last(key))).collect();
    let refuse = |key: &str| Err(WeightsError::Quantized { file: weights.origin.clone(), key: key.to_string() });
    let is = |names: &[&str], name: &str| names.contains(&name);
    if let Some((key, _)) = told.iter().find(|(_, name)| is(&OTHERS, name)) {
        return refuse(key);
    }
    let mut scales = Vec::new();
    for (key, name) in told.iter().filter(|(_, name)| is(&SCALES, name) || name == FORMAT) {
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
        if let Some(place) = weights.tensors.get_mut(&weight) {
            place.scale = scale;
        }
    }
    weights.tensors.retain(|key, _| {
        let name = last(key);
        !(is(&SCALES, &name) || is(&UNUSED, &name) || name == FORMAT)
    });
    Ok(weights)
}
