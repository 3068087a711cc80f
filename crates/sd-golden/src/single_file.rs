use std::collections::BTreeMap;
use std::path::Path;

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};
use sd_weights::View;
use sd_weights::single_file::{Family, Table, UnetPlan, open_clip, open_clip_with_projection, unet, vae, vae_levels};

/// Weights in half precision.
pub type Numbers = Vec<f16>;

/// A tensor of a single file.
#[derive(Debug, Clone)]
pub struct SingleTensor {
    /// Its name.
    pub key: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row by row.
    pub numbers: Numbers,
}

/// Writes a single file in the safetensors format.
///
/// # Panics
///
/// Panics if that fails.
pub fn save_single(tensors: &[SingleTensor], file: &Path) {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|tensor| tensor.numbers.iter().flat_map(|n| n.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
        let view = TensorView::new(Dtype::F16, tensor.shape.clone(), bytes);
        (tensor.key.as_str(), view.expect("bytes that match the shape"))
    });
    serialize_to_file(views, None, file).expect("the temporary folder can be written");
}

/// A part of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Unet,
    Vae,
    Text(usize),
}

/// Converts the tensors of a part from the diffusers layout to the names of a single file: the inverse of reading one.
pub(crate) fn single_tensors(
    part: Part,
    family: Family,
    tensors: Vec<(String, Vec<usize>, Numbers)>,
) -> Vec<SingleTensor> {
    let keys = || tensors.iter().map(|(key, ..)| key.as_str());
    let layers = keys().filter(|key| key.ends_with("mlp.fc1.weight")).count();
    let (prefix, table) = match (part, family) {
        (Part::Unet, _) => ("model.diffusion_model.", unet(&UnetPlan::from_diffusers(keys()))),
        (Part::Vae, _) => ("first_stage_model.", vae(vae_levels(keys()))),
        (Part::Text(_), Family::Sd1) => ("cond_stage_model.transformer.", Table::default()),
        (Part::Text(_), Family::Sd2) => ("cond_stage_model.model.", open_clip(layers)),
        (Part::Text(0), Family::Xl) => ("conditioner.embedders.0.transformer.", Table::default()),
        (Part::Text(_), Family::XlRefiner) => ("conditioner.embedders.0.model.", open_clip_with_projection(layers)),
        (Part::Text(_), Family::Xl) => ("conditioner.embedders.1.model.", open_clip_with_projection(layers)),
    };
    let convolves = part == Part::Vae || (part == Part::Unet && family == Family::Sd1);
    let mut found: BTreeMap<String, SingleTensor> = BTreeMap::new();
    for (key, mut shape, mut values) in tensors {
        let (name, view) = table.to_single(&key).unwrap_or_else(|| (key.clone(), View::Whole));
        // The tensors arrive in alphabetical order, which differs from that of queries, keys and values in the joined
        // tensor.
        let (index, parts) = view.part();
        if view == View::Transposed {
            values = transposed(&values, shape[0], shape[1]);
            shape.reverse();
        }
        let is_matrix = shape.len() == 2;
        if convolves && is_matrix && [".proj_in.", ".proj_out.", ".attn_1."].iter().any(|part| name.contains(part)) {
            shape.extend([1, 1]);
        }
        let tensor = found.entry(name.clone()).or_insert_with(|| {
            let mut whole = shape.clone();
            if parts > 1 {
                whole[0] *= parts;
            }
            SingleTensor { key: format!("{prefix}{name}"), shape: whole, numbers: vec![f16::NAN; parts * values.len()] }
        });
        tensor.numbers[index * values.len()..][..values.len()].copy_from_slice(&values);
    }
    let mut tensors: Vec<SingleTensor> = found.into_values().collect();
    tensors.extend(unread(part, family, &tensors));
    tensors
}

/// Tensors of published files that nothing reads.
fn unread(part: Part, family: Family, tensors: &[SingleTensor]) -> Vec<SingleTensor> {
    let nan = |key: &str, shape: &[usize]| SingleTensor {
        key: key.to_string(),
        shape: shape.to_vec(),
        numbers: vec![f16::NAN; shape.iter().product()],
    };
    match (part, family) {
        (Part::Unet, _) => vec![nan("betas", &[1000]), nan("model_ema.decay", &[])],
        (Part::Text(_), Family::Sd1) => {
            vec![nan("cond_stage_model.transformer.text_model.embeddings.position_ids", &[1, 77])]
        }
        // The last of 24 layers, and the projection.
        (Part::Text(_), Family::Sd2) => {
            let last = tensors.iter().filter(|tensor| tensor.key.contains(".resblocks.22."));
            let last = last.map(|tensor| nan(&tensor.key.replace(".22.", ".23."), &tensor.shape));
            let others = [("text_projection", vec![64, 64]), ("logit_scale", vec![])];
            let others = others.map(|(key, shape)| nan(&format!("cond_stage_model.model.{key}"), &shape));
            last.chain(others).collect()
        }
        (Part::Text(1), Family::Xl) => vec![nan("conditioner.embedders.1.model.logit_scale", &[])],
        _ => Vec::new(),
    }
}

fn transposed(values: &[f16], rows: usize, columns: usize) -> Numbers {
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}
