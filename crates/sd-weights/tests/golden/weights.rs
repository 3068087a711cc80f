//! The ways a network's weights may lie in a folder: they all load to the same network.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, FloatDType};
use half::bf16;
use safetensors::tensor::{TensorView, serialize_to_file};
use safetensors::{Dtype, SafeTensors};
use sd_golden::{Kind, TinyModel, noise};
use sd_weights::{Weights, WeightsError};

const STEM: &str = "diffusion_pytorch_model";

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn read(file: &Path) -> Tensors {
    let bytes = std::fs::read(file).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.iter().map(|(key, t)| (key.to_string(), (t.dtype(), t.shape().to_vec(), t.data().to_vec()))).collect()
}

fn write(file: &Path, tensors: &Tensors) {
    let view = |(dtype, shape, bytes): &'_ (Dtype, Vec<usize>, Vec<u8>)| (*dtype, shape.clone(), bytes.clone());
    let tensors: Vec<_> = tensors.iter().map(|(key, tensor)| (key, view(tensor))).collect();
    let views = tensors
        .iter()
        .map(|(key, (dtype, shape, bytes))| (key, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    serialize_to_file(views, None, file).unwrap();
}

/// What the autoencoder of `folder` decodes.
fn decoded(folder: &Path) -> Result<Vec<f32>, WeightsError> {
    let device = Device::flex();
    let vae = Weights::in_folder(folder, STEM)?.load(Kind::Sd1.vae().init(&device), FloatDType::F32)?;
    Ok(vae.decode(noise("z", [1, 4, 2, 2], &device)).into_data().try_to_vec().unwrap())
}

/// A model's autoencoder folder, the tensors in it, and what it decodes.
fn vae() -> (TinyModel, Tensors, Vec<f32>) {
    let model = TinyModel::new(Kind::Sd1);
    let folder = model.path().join("vae");
    let (tensors, decoded) = (read(&folder.join(format!("{STEM}.safetensors"))), decoded(&folder).unwrap());
    (model, tensors, decoded)
}

#[test]
fn half_precision_by_its_variant_name() {
    let (model, _, expected) = vae();
    let folder = model.path().join("vae");
    std::fs::rename(folder.join(format!("{STEM}.safetensors")), folder.join(format!("{STEM}.fp16.safetensors")))
        .unwrap();
    assert_eq!(decoded(&folder).unwrap(), expected);
}

#[test]
fn single_precision_and_bfloat() {
    let (model, tensors, expected) = vae();
    let folder = model.path().join("vae");
    let widen = |bytes: &[u8]| -> Vec<f32> {
        bytes.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
    };
    let with = |dtype, to_bytes: &dyn Fn(f32) -> Vec<u8>| -> Tensors {
        let convert = |(key, (_, shape, bytes)): (&String, &(Dtype, Vec<usize>, Vec<u8>))| {
            (key.clone(), (dtype, shape.clone(), widen(bytes).into_iter().flat_map(to_bytes).collect()))
        };
        tensors.iter().map(convert).collect()
    };
    let file = folder.join(format!("{STEM}.safetensors"));
    write(&file, &with(Dtype::F32, &|x| x.to_le_bytes().to_vec()));
    assert_eq!(decoded(&folder).unwrap(), expected);
    write(&file, &with(Dtype::BF16, &|x| bf16::from_f32(x).to_le_bytes().to_vec()));
    // bf16 keeps 8 bits, so the image differs, but it is the same image.
    let found = decoded(&folder).unwrap();
    let size = expected.iter().map(|x| x.abs()).fold(0.0, f32::max);
    let error = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / size;
    assert!(error > 1e-5 && error < 0.1, "{error}");
}

#[test]
fn a_weight_too_large_for_half_precision_is_refused_there() {
    let (model, mut tensors, _) = vae();
    let folder = model.path().join("vae");
    let (_, shape, _) = tensors.remove("decoder.conv_out.bias").unwrap();
    let large = [1e6_f32; 3].iter().flat_map(|x| x.to_le_bytes()).collect();
    tensors.insert("decoder.conv_out.bias".into(), (Dtype::F32, shape, large));
    write(&folder.join(format!("{STEM}.safetensors")), &tensors);
    let device = Device::flex();
    let load = |dtype| Weights::in_folder(&folder, STEM).unwrap().load(Kind::Sd1.vae().init(&device), dtype);
    assert!(load(FloatDType::F32).is_ok());
    let error = load(FloatDType::F16).unwrap_err().to_string();
    assert!(error.contains("`decoder.conv_out.bias`") && error.contains("f16 is too narrow"), "{error}");
}

#[test]
fn several_files_with_an_index() {
    let (model, tensors, expected) = vae();
    let folder = model.path().join("vae");
    std::fs::remove_file(folder.join(format!("{STEM}.safetensors"))).unwrap();
    let (mut first, mut second) = (tensors.clone(), tensors.clone());
    first.retain(|key, _| key.starts_with("encoder"));
    second.retain(|key, _| !key.starts_with("encoder"));
    let names = [format!("{STEM}-00001-of-00002.safetensors"), format!("{STEM}-00002-of-00002.safetensors")];
    write(&folder.join(&names[0]), &first);
    write(&folder.join(&names[1]), &second);
    let map: serde_json::Map<String, serde_json::Value> =
        tensors.keys().map(|key| (key.clone(), names[usize::from(!first.contains_key(key))].clone().into())).collect();
    let index = folder.join(format!("{STEM}.safetensors.index.json"));
    std::fs::write(&index, serde_json::json!({ "metadata": {}, "weight_map": map }).to_string()).unwrap();
    assert_eq!(decoded(&folder).unwrap(), expected);

    std::fs::remove_file(folder.join(&names[1])).unwrap();
    assert!(decoded(&folder).unwrap_err().to_string().contains(&names[1]), "the missing file is named");
}

/// As the autoencoders of 2022 have it.
#[test]
fn attention_by_its_old_names_and_as_convolutions() {
    let (model, tensors, expected) = vae();
    let rename = |key: &str| {
        let names = [("to_q.", "query."), ("to_k.", "key."), ("to_v.", "value."), ("to_out.0.", "proj_attn.")];
        names.iter().fold(key.to_string(), |key, (new, old)| key.replace(new, old))
    };
    let old: Tensors = tensors
        .iter()
        .map(|(key, (dtype, shape, bytes))| {
            let shape = if shape.len() == 2 { [&shape[..], &[1, 1]].concat() } else { shape.clone() };
            (rename(key), (*dtype, shape, bytes.clone()))
        })
        .collect();
    assert!(old.contains_key("decoder.mid_block.attentions.0.query.weight"));
    let folder = model.path().join("vae");
    write(&folder.join(format!("{STEM}.safetensors")), &old);
    assert_eq!(decoded(&folder).unwrap(), expected);
}
