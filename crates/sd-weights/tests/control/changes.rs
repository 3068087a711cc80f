//! Weights that are those of a U-Net with changes.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, FloatDType, Tensor};
use sd_golden::Tensors;
use sd_weights::{Component, Lora, Weights, WeightsError};

use crate::{file, open, recognise, tensors};

/// As much of a ControlNet as shows where weights come from.
#[derive(Module, Debug)]
struct Network {
    conv_in: Conv2d,
    time_embedding: Embedding,
    controlnet_cond_embedding: Hint,
}

#[derive(Module, Debug)]
struct Embedding {
    linear_1: Linear,
}

#[derive(Module, Debug)]
struct Hint {
    conv_in: Conv2d,
}

impl Network {
    fn load(weights: &Weights) -> Result<Self, WeightsError> {
        let device = Device::flex();
        let network = Self {
            conv_in: Conv2dConfig::new([2, 3], [3, 3]).init(&device),
            time_embedding: Embedding { linear_1: LinearConfig::new(3, 4).init(&device) },
            controlnet_cond_embedding: Hint { conv_in: Conv2dConfig::new([3, 2], [3, 3]).init(&device) },
        };
        weights.load(network, FloatDType::F32)
    }

    /// The values of all tensors, with the names and in the order of [`UNET`] and [`HINT`].
    fn values(self) -> Vec<(&'static str, Vec<f32>)> {
        let Linear { weight, bias } = self.time_embedding.linear_1;
        let all = [
            values(self.conv_in.weight.val()),
            values(self.conv_in.bias.unwrap().val()),
            values(weight.val().transpose()),
            values(bias.unwrap().val()),
            values(self.controlnet_cond_embedding.conv_in.weight.val()),
            values(self.controlnet_cond_embedding.conv_in.bias.unwrap().val()),
        ];
        UNET.iter().chain(&HINT).map(|(key, _)| *key).zip(all).collect()
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

const UNET: [(&str, &[usize]); 4] = [
    ("conv_in.weight", &[3, 2, 3, 3]),
    ("conv_in.bias", &[3]),
    ("time_embedding.linear_1.weight", &[4, 3]),
    ("time_embedding.linear_1.bias", &[4]),
];
const HINT: [(&str, &[usize]); 2] =
    [("controlnet_cond_embedding.conv_in.weight", &[2, 3, 3, 3]), ("controlnet_cond_embedding.conv_in.bias", &[2])];

/// The same tensors in the original program's names.
fn original(tensors: &Tensors) -> Tensors {
    let name = |key: &str| {
        let module = [
            ("conv_in.", "control_model.input_blocks.0.0."),
            ("time_embedding.linear_1.", "control_model.time_embed.0."),
            ("controlnet_cond_embedding.conv_in.", "control_model.input_hint_block.0."),
        ];
        let (there, here) = module.into_iter().find(|(there, _)| key.starts_with(there)).unwrap();
        key.replace(there, here)
    };
    tensors.iter().map(|(key, tensor)| (name(key), tensor.clone())).collect()
}

/// A U-Net's tensors, among them some that a ControlNet does not have.
fn unet() -> Tensors {
    let others = tensors(&[("conv_out.weight", &[2]), ("up_blocks.0.resnets.0.norm1.weight", &[3])], 5);
    tensors(&UNET, 1).into_iter().chain(others).collect()
}

fn marked(mut tensors: Tensors, marker: &str) -> Tensors {
    tensors.insert(marker.into(), (vec![], vec![1.0]));
    tensors
}

/// Completes a file with the U-Net and loads it.
fn loaded(control: &Tensors, unet: &Weights) -> Result<Vec<(&'static str, Vec<f32>)>, WeightsError> {
    let (_folder, control) = recognise(control);
    Ok(Network::load(&control?.complete(unet)?)?.values())
}

#[test]
fn a_difference_is_added_to_the_u_net() {
    let (_unet, base) = open(&unet());
    let whole: Tensors = tensors(&UNET, 60).into_iter().chain(tensors(&HINT, 7)).collect();
    let expected = loaded(&original(&whole), &base).unwrap();
    let difference = |(key, (shape, values)): (&String, &(Vec<usize>, Vec<f32>))| {
        let base = unet().get(key).map_or(vec![0.0; values.len()], |(_, values)| values.clone());
        (key.clone(), (shape.clone(), values.iter().zip(base).map(|(value, base)| value - base).collect()))
    };
    let mut differences: Tensors = whole.iter().map(difference).collect();
    for layout in [original, Tensors::clone] {
        assert_eq!(loaded(&marked(layout(&differences), "difference"), &base).unwrap(), expected);
    }
    // The web interface's program leaves out tensors that are as in the U-Net.
    differences.remove("conv_in.bias");
    let found = loaded(&marked(original(&differences), "difference"), &base).unwrap();
    let changed: Vec<&str> = found.iter().zip(&expected).filter(|(a, b)| a != b).map(|((key, _), _)| *key).collect();
    assert_eq!(changed, ["conv_in.bias"]);
    assert_eq!(found[1].1, unet()["conv_in.bias"].1);
}

/// The factors of two weights, a bias of the file's own, and the hint.
fn control_lora() -> Tensors {
    let factors: [(&str, &[usize]); 5] = [
        ("conv_in.up", &[3, 2, 1, 1]),
        ("conv_in.down", &[2, 2, 3, 3]),
        ("time_embedding.linear_1.up", &[4, 2]),
        ("time_embedding.linear_1.down", &[2, 3]),
        ("time_embedding.linear_1.bias", &[4]),
    ];
    let all: Tensors = tensors(&factors, 20).into_iter().chain(tensors(&HINT, 7)).collect();
    let name = |key: String| key.replace("control_model.", "");
    marked(original(&all).into_iter().map(|(key, tensor)| (name(key), tensor)).collect(), "lora_controlnet")
}

#[test]
fn a_control_lora_adds_products_of_low_rank() {
    let (_unet, base) = open(&unet());
    let (control, found) = (control_lora(), loaded(&control_lora(), &base).unwrap());
    let product = |module: &str, key: &str, columns: usize| -> Vec<f32> {
        let factor = |part: &str| control[&format!("{module}.{part}")].1.clone();
        let (up, down) = (factor("up"), factor("down"));
        let value = |(i, base): (usize, &f32)| {
            let (row, column) = (i / columns, i % columns);
            let sum: f64 = (0..2).map(|r| f64::from(up[2 * row + r]) * f64::from(down[r * columns + column])).sum();
            (f64::from(*base) + sum) as f32
        };
        unet()[key].1.iter().enumerate().map(value).collect()
    };
    for (i, expected) in [
        (0, product("input_blocks.0.0", "conv_in.weight", 18)),
        (1, unet()["conv_in.bias"].1.clone()),
        (2, product("time_embed.0", "time_embedding.linear_1.weight", 3)),
        (3, control["time_embed.0.bias"].1.clone()),
        (4, control["input_hint_block.0.weight"].1.clone()),
    ] {
        let error = found[i].1.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(error < 1e-6 && found[i].1.len() == expected.len(), "{}: {error}", found[i].0);
    }
}

#[test]
fn a_lora_of_the_u_net_changes_the_network_too() {
    let (_unet, mut base) = open(&unet());
    let lora = [
        ("lora_unet_conv_in.lora_down.weight".to_string(), (vec![1, 2, 3, 3], vec![0.5; 18])),
        ("lora_unet_conv_in.lora_up.weight".to_string(), (vec![3, 1, 1, 1], vec![0.25; 3])),
    ];
    let plain = loaded(&control_lora(), &base).unwrap();
    let (_folder, path) = file(&lora.into());
    Lora::open(&path, 2.0).unwrap().merge(&mut [(Component::Unet, &mut base)]).unwrap();
    let merged = loaded(&control_lora(), &base).unwrap();
    for ((key, plain), (_, merged)) in plain.iter().zip(&merged) {
        let change = if *key == "conv_in.weight" { 0.25 } else { 0.0 };
        assert!(plain.iter().zip(merged).all(|(a, b)| (b - a - change).abs() < 1e-6), "{key}");
    }
    // A whole ControlNet has weights of its own.
    let whole: Tensors = tensors(&UNET, 60).into_iter().chain(tensors(&HINT, 7)).collect();
    let (_unet, unchanged) = open(&unet());
    assert_eq!(loaded(&whole, &base).unwrap(), loaded(&whole, &unchanged).unwrap());
}

#[test]
fn changes_that_do_not_fit_are_refused_with_the_names_of_the_file() {
    let (_unet, base) = open(&unet());
    let refused = |change: &dyn Fn(&mut Tensors), expected: &str| {
        let mut control = control_lora();
        change(&mut control);
        let error = loaded(&control, &base).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused(
        &|control| drop(control.remove("time_embed.0.down")),
        "`time_embed.0.up` is there without `time_embed.0.down`",
    );
    refused(
        &|control| drop(control.insert("time_embed.0.down".into(), (vec![2, 5], vec![0.0; 10]))),
        "the change of `time_embed.0.weight` is [4, 5], but the U-Net's is [4, 3]",
    );
    refused(
        &|control| drop(control.insert("time_embed.0.down".into(), (vec![3, 3], vec![0.0; 9]))),
        "of factors that do not fit each other",
    );
    refused(
        &|control| {
            control.insert("time_embed.2.up".into(), (vec![2, 1], vec![0.0; 2]));
            control.insert("time_embed.2.down".into(), (vec![1, 2], vec![0.0; 2]));
        },
        "it changes `time_embed.2.weight`, which the model's U-Net does not have",
    );
    refused(&|control| drop(control.remove("input_hint_block.0.bias")), "1 key missing (input_hint_block.0.bias)");
    refused(
        &|control| drop(control.insert("input_blocks.0.0.extra".into(), (vec![1], vec![0.0]))),
        "1 key unknown (input_blocks.0.0.extra)",
    );
}
