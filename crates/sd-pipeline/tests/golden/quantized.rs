//! Weights of eight bits: floats with or without a scale draw as the same values in sixteen bits; others are refused.

use std::path::Path;

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};
use sd_golden::{Kind, SingleTensor, TinyModel, save_single};
use sd_pipeline::Model;
use sd_weights::single_file::Family;

use crate::single;
use crate::small::draw;

/// A tensor of a file: its key, type, shape and bytes.
type Raw = (String, Dtype, Vec<usize>, Vec<u8>);

/// The finite floats of eight bits in order, by definition: their bytes and their values.
fn floats(fraction_bits: u32, bias: i32, last: u8) -> Vec<(u8, f32)> {
    let value = |byte: u8| {
        let (exponent, fraction) = (i32::from(byte) >> fraction_bits, byte & ((1 << fraction_bits) - 1));
        let fraction = f32::from(fraction) / f32::from(1_u8 << fraction_bits);
        if exponent == 0 { fraction * 2_f32.powi(1 - bias) } else { (1.0 + fraction) * 2_f32.powi(exponent - bias) }
    };
    let mut all: Vec<_> = (0..=last).flat_map(|byte| [(byte, value(byte)), (byte | 0x80, -value(byte))]).collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1));
    all
}

/// Rounds a tensor's values to `all` times `scale` and returns the bytes.
fn round(tensor: &mut SingleTensor, all: &[(u8, f32)], scale: f32) -> Vec<u8> {
    let nearest = |value: f32| {
        let above = all.partition_point(|(_, known)| *known < value).clamp(1, all.len() - 1);
        if value - all[above - 1].1 < all[above].1 - value { all[above - 1] } else { all[above] }
    };
    let (bytes, values) = tensor.numbers.iter().map(|n| nearest(n.to_f32() / scale)).unzip::<_, _, Vec<u8>, Vec<f32>>();
    tensor.numbers = values.into_iter().map(|value| f16::from_f32(value * scale)).collect();
    bytes
}

fn in_sixteen_bits(tensor: &SingleTensor) -> Raw {
    let bytes = tensor.numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    (tensor.key.clone(), Dtype::F16, tensor.shape.clone(), bytes)
}

fn save(tensors: &[Raw], file: &Path) {
    let view = |raw| -> (&str, TensorView) {
        let (key, dtype, shape, bytes): &Raw = raw;
        (key, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    };
    serialize_to_file(tensors.iter().map(view), None, file).unwrap();
}

const KINDS: [(Dtype, u32, i32, u8); 2] = [(Dtype::F8_E4M3, 3, 7, 0x7e), (Dtype::F8_E5M2, 2, 15, 0x7b)];

#[test]
fn weights_of_eight_bits_draw_as_the_same_values_in_sixteen() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let folder = tempfile::tempdir().unwrap();
    let [wide, narrow] = ["wide", "narrow"].map(|name| folder.path().join(name));
    for (dtype, fraction_bits, bias, last) in KINDS {
        let (mut tensors, all) = (tiny.single_tensors(), floats(fraction_bits, bias, last));
        let narrowed = |tensor: &mut SingleTensor| match tensor.numbers.iter().any(|n| n.is_nan()) {
            true => in_sixteen_bits(tensor),
            false => (tensor.key.clone(), dtype, tensor.shape.clone(), round(tensor, &all, 1.0)),
        };
        save(&tensors.iter_mut().map(narrowed).collect::<Vec<_>>(), &narrow);
        save_single(&tensors, &wide);
        assert!(draw(Model::open(&narrow).unwrap()) == draw(Model::open(&wide).unwrap()), "{dtype:?}");
    }
}

#[test]
fn scales_of_weights_are_applied() {
    const SCALE: f32 = 0.5;
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd2));
    let folder = tempfile::tempdir().unwrap();
    let [wide, narrow] = ["wide", "narrow"].map(|name| folder.path().join(name));
    for (name, (dtype, fraction_bits, bias, last)) in ["scale_weight", "weight_scale"].into_iter().zip(KINDS) {
        let (mut tensors, all) = (tiny.single_tensors(), floats(fraction_bits, bias, last));
        let mut raw: Vec<Raw> = vec![("model.diffusion_model.scaled_fp8".into(), dtype, vec![0], Vec::new())];
        for tensor in &mut tensors {
            let module = tensor.key.strip_suffix(".weight").filter(|_| tensor.shape.len() == 2);
            let Some(module) = module.filter(|module| module.contains("attn") || module.contains(".mlp.")) else {
                raw.push(in_sixteen_bits(tensor));
                continue;
            };
            for (name, value) in [(name, SCALE), ("scale_input", 7.0)] {
                raw.push((format!("{module}.{name}"), Dtype::F32, vec![], value.to_le_bytes().to_vec()));
            }
            raw.push((format!("{module}.comfy_quant"), Dtype::U8, vec![2], b"{}".to_vec()));
            raw.push((tensor.key.clone(), dtype, tensor.shape.clone(), round(tensor, &all, SCALE)));
        }
        save(&raw, &narrow);
        save_single(&tensors, &wide);
        assert!(draw(Model::open(&narrow).unwrap()) == draw(Model::open(&wide).unwrap()), "{name}");
        // A scale for each row is not read.
        let scale = raw.iter_mut().find(|(key, ..)| key.ends_with(name)).unwrap();
        (scale.2, scale.3) = (vec![2], [SCALE, SCALE].iter().flat_map(|scale| scale.to_le_bytes()).collect());
        let key = scale.0.clone();
        save(&raw, &narrow);
        let error = Model::open(&narrow).unwrap_err().to_string();
        assert!(error.contains(&format!("`{key}` belongs to a kind of quantization that is not supported")), "{error}");
    }
}

#[test]
fn other_quantized_weights_are_refused_by_the_key_that_says_so() {
    const KEY: &str = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q";
    let tensors = TinyModel::new(Kind::Conventional(Family::Sd1)).single_tensors();
    // A scale of a weight that does not have eight bits, and scales of other programs.
    for name in ["scale_weight", "weight_scale", "comfy_quant", "weight_scale_2", "SCB", "weight.absmax"] {
        let mut tensors = tensors.clone();
        let key = format!("{KEY}.{name}");
        tensors.push(SingleTensor { key: key.clone(), shape: vec![1], numbers: vec![f16::ONE] });
        let (_folder, file) = single(&tensors);
        let error = Model::open(&file).unwrap_err().to_string();
        assert!(error.contains(&format!("`{key}` belongs to a kind of quantization that is not supported")), "{error}");
    }
}
