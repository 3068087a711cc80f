//! Merged LoRA files against the sums that define them and, in `adapters`, against the results of their libraries.

mod adapters;
mod low_rank;
mod matrix;
mod names;
mod other_kinds;
mod refusals;
mod rotations;
mod strengths;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, FloatDType, Tensor};
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};
use sd_weights::{Component, Lora, LoraReport, Weights};

/// A linear layer 8 → 4, a 3×3 convolution 8 → 4 (4 → 4 in the data of `adapters`), and a norm of 4.
#[derive(Module, Debug)]
struct Network {
    linear: Linear,
    conv: Conv2d,
    norm: LayerNorm,
}

/// Tensors with their shapes and values by key, and the file's metadata.
#[derive(Default, Clone)]
struct File {
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    /// Tensors of other types.
    typed: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
    metadata: HashMap<String, String>,
}

impl File {
    /// Adds a tensor of values that differ from one to the next.
    fn with(self, key: &str, shape: &[usize]) -> Self {
        let start = key.bytes().map(f32::from).sum::<f32>();
        let values = (0..shape.iter().product()).map(|i: usize| (start + 1.7 * i as f32).sin()).collect();
        self.with_values(key, shape, values)
    }

    fn with_values(mut self, key: &str, shape: &[usize], values: Vec<f32>) -> Self {
        self.tensors.insert(key.into(), (shape.to_vec(), values));
        self
    }

    fn with_scalar(self, key: &str, value: f32) -> Self {
        self.with_values(key, &[], vec![value])
    }

    fn with_typed(mut self, key: &str, dtype: Dtype, bytes: &[u8]) -> Self {
        self.typed.insert(key.into(), (dtype, vec![], bytes.to_vec()));
        self
    }

    /// Adds the settings that diffusers writes beside the tensors.
    fn with_settings(mut self, settings: &str) -> Self {
        self.metadata.insert("lora_adapter_metadata".into(), settings.into());
        self
    }

    /// The same tensors under other names.
    fn renamed(&self, name: impl Fn(&str) -> String) -> Self {
        Self { tensors: self.tensors.iter().map(|(key, tensor)| (name(key), tensor.clone())).collect(), ..self.clone() }
    }

    fn write(&self, path: &Path) {
        let view = |dtype, shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
        let plain = self
            .tensors
            .iter()
            .map(|(key, (shape, values))| (key, view(Dtype::F32, shape, bytemuck::cast_slice::<f32, u8>(values))));
        let typed = self.typed.iter().map(|(key, (dtype, shape, bytes))| (key, view(*dtype, shape, bytes)));
        let metadata = (!self.metadata.is_empty()).then(|| self.metadata.clone());
        serialize_to_file(plain.chain(typed), metadata, path).unwrap();
    }

    /// Returns the value at an index of a tensor; dimensions that the index lacks at its end are 0.
    fn at<const D: usize>(&self, key: &str, place: [usize; D]) -> f64 {
        let (shape, values) = &self.tensors[key];
        let strides = (0..shape.len()).map(|i| shape[i + 1..].iter().product::<usize>());
        f64::from(values[strides.zip(place).map(|(stride, i)| stride * i).sum::<usize>()])
    }

    /// All values of a tensor.
    fn values(&self, key: &str) -> Vec<f64> {
        self.tensors[key].1.iter().map(|value| f64::from(*value)).collect()
    }
}

fn network_file() -> File {
    File::default()
        .with("linear.weight", &[4, 8])
        .with("linear.bias", &[4])
        .with("conv.weight", &[4, 8, 3, 3])
        .with("conv.bias", &[4])
        .with("norm.weight", &[4])
        .with("norm.bias", &[4])
}

/// The tensors of a network by their keys in a file.
type Tensors = BTreeMap<String, Vec<f32>>;

/// The tensors with LoRA files merged.
fn merged(files: &[(&File, f64)]) -> Tensors {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = files
        .iter()
        .map(|(file, scale)| {
            // Named after its first tensor, so that a file has the same name in all tests.
            let path = folder.path().join(format!("{}.safetensors", file.tensors.keys().next().unwrap()));
            file.write(&path);
            (path, *scale)
        })
        .collect();
    let (tensors, reports) =
        merged_paths(&files.iter().map(|(path, scale)| (path.as_path(), *scale)).collect::<Vec<_>>());
    reports.iter().for_each(|report| assert_eq!(report.unmatched, [""; 0]));
    tensors
}

/// The same for existing files or folders.
fn merged_paths(files: &[(&Path, f64)]) -> (Tensors, Vec<LoraReport>) {
    let folder = tempfile::tempdir().unwrap();
    let network = folder.path().join("network.safetensors");
    network_file().write(&network);
    merged_into(&network, files)
}

/// The same for the weights of a network in a file.
fn merged_into(network: &Path, files: &[(&Path, f64)]) -> (Tensors, Vec<LoraReport>) {
    let mut weights = Weights::in_file(network).unwrap();
    let merge = |(path, scale): &(&Path, f64)| {
        Lora::open(path, *scale).unwrap().merge(&mut [(Component::Unet, &mut weights)]).unwrap()
    };
    let reports = files.iter().map(merge).collect();
    let device = Device::flex();
    let inputs = weights.shape("conv.weight").unwrap()[1];
    let network = Network {
        linear: LinearConfig::new(8, 4).init(&device),
        conv: Conv2dConfig::new([inputs, 4], [3, 3]).init(&device),
        norm: LayerNormConfig::new(4).init(&device),
    };
    let Network { linear, conv, norm } = weights.load(network, FloatDType::F32).unwrap();
    let tensors = [
        ("linear.weight", values(linear.weight.val().transpose())),
        ("linear.bias", values(linear.bias.unwrap().val())),
        ("conv.weight", values(conv.weight.val())),
        ("conv.bias", values(conv.bias.unwrap().val())),
        ("norm.weight", values(norm.gamma.val())),
        ("norm.bias", values(norm.beta.unwrap().val())),
    ];
    (tensors.into_iter().map(|(key, values)| (key.to_string(), values)).collect(), reports)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Checks that `expected(layer, output, input, row, column)` is added to each weight of both layers, and nothing to the
/// other tensors.
fn check(file: &File, scale: f64, expected: impl Fn(&str, usize, usize, usize, usize) -> f64) {
    let places = |kernel: usize| {
        (0..4).flat_map(move |o| {
            (0..8).flat_map(move |i| (0..kernel * kernel).map(move |k| (o, i, k / kernel, k % kernel)))
        })
    };
    let added = |layer: &str, kernel| {
        places(kernel).map(|(o, i, row, column)| expected(layer, o, i, row, column)).collect::<Vec<f64>>()
    };
    check_tensors(file, scale, &[("linear.weight", added("linear", 1)), ("conv.weight", added("conv", 3))]);
}

/// Checks that `added` is added to some tensors, and nothing to the others.
fn check_tensors(file: &File, scale: f64, added: &[(&str, Vec<f64>)]) {
    let (found, network) = (merged(&[(file, scale)]), network_file());
    for (key, found) in found {
        let none = vec![0.0; found.len()];
        let added = added.iter().find(|(other, _)| *other == key).map_or(&none, |(_, added)| added);
        assert_eq!(found.len(), added.len(), "{key}");
        for ((found, before), added) in found.iter().zip(network.values(&key)).zip(added) {
            let expected = before + added;
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{key}: {found} instead of {expected}");
        }
    }
}

fn sum(count: usize, term: impl Fn(usize) -> f64) -> f64 {
    (0..count).map(term).sum()
}
