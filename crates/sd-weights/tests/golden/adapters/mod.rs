//! Adapters of every kind that LyCORIS and PEFT write, merged into three layers, against what they make of them:
//! `make.py` wrote `adapters.safetensors`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, FloatDType, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::{TensorView, serialize_to_file};
use sd_weights::{Component, Lora, Weights};
use serde_json::Value;

#[derive(Module, Debug)]
struct Network {
    linear: Linear,
    conv: Conv2d,
    norm: LayerNorm,
}

/// Writes the tensors whose keys begin so to a file, without the beginning.
fn write(tensors: &SafeTensors, start: &str, path: &Path) {
    let views = tensors.iter().filter_map(|(key, view)| Some((key.strip_prefix(start)?, view)));
    let views: Vec<(&str, TensorView)> = views.collect();
    assert!(!views.is_empty(), "{start}");
    serialize_to_file(views, None, path).unwrap();
}

/// The tensors of the network with the adapter merged, by their keys in a file.
fn merged(base: &Path, adapter: &Path, scale: f64) -> BTreeMap<&'static str, Vec<f32>> {
    let mut weights = Weights::in_file(base).unwrap();
    let report = Lora::open(adapter, scale).unwrap().merge(&mut [(Component::Unet, &mut weights)]).unwrap();
    assert_eq!(report.unmatched, [""; 0], "{}", adapter.display());
    let device = Device::flex();
    let network = Network {
        linear: LinearConfig::new(8, 4).init(&device),
        conv: Conv2dConfig::new([4, 4], [3, 3]).init(&device),
        norm: LayerNormConfig::new(4).init(&device),
    };
    let Network { linear, conv, norm } = weights.load(network, FloatDType::F32).unwrap();
    [
        ("linear.weight", values(linear.weight.val().transpose())),
        ("linear.bias", values(linear.bias.unwrap().val())),
        ("conv.weight", values(conv.weight.val())),
        ("conv.bias", values(conv.bias.unwrap().val())),
        ("norm.weight", values(norm.gamma.val())),
        ("norm.bias", values(norm.beta.unwrap().val())),
    ]
    .into()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

#[test]
fn adapters_of_every_kind_are_merged_as_their_libraries_do() {
    let bytes = include_bytes!("adapters.safetensors");
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let cases = header.metadata().as_ref().unwrap();
    assert_eq!(cases.len(), 23);
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base.safetensors");
    write(&tensors, "base/", &base);
    let mut apart = Vec::new();
    for (case, about) in cases {
        let about: Value = serde_json::from_str(about).unwrap();
        let adapter = folder.path().join(case);
        fs::create_dir(&adapter).unwrap();
        write(&tensors, &format!("{case}/adapter/"), &adapter.join("adapter_model.safetensors"));
        if about["settings"].is_object() {
            fs::write(adapter.join("adapter_config.json"), about["settings"].to_string()).unwrap();
        }
        for (key, found) in merged(&base, &adapter, about["scale"].as_f64().unwrap()) {
            let expected = tensors.tensor(&format!("{case}/merged/{key}"));
            let expected = expected.or_else(|_| tensors.tensor(&format!("base/{key}"))).unwrap();
            let expected: Vec<f32> = bytemuck::pod_collect_to_vec(expected.data());
            assert_eq!(found.len(), expected.len(), "{case}: {key}");
            let furthest = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            if furthest > 2e-6 {
                apart.push(format!("{case}: {key} is {furthest} away"));
            }
        }
    }
    assert_eq!(apart, [""; 0]);
}
