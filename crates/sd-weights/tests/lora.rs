//! What LoRA files change, against the sums that define them.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, FloatDType};
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};
use sd_weights::{Component, Lora, Weights};

/// A linear layer 6 → 4 and a convolution 6 → 4 of 3×3.
#[derive(Module, Debug)]
struct Network {
    linear: Linear,
    conv: Conv2d,
}

/// Tensors by key: shapes and numbers.
#[derive(Default, Clone)]
struct File(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl File {
    /// Adds a tensor of numbers that differ from one to the next.
    fn with(mut self, key: &str, shape: &[usize]) -> Self {
        let start = key.bytes().map(f32::from).sum::<f32>();
        let numbers = (0..shape.iter().product()).map(|i: usize| (start + 1.7 * i as f32).sin()).collect();
        self.0.insert(key.into(), (shape.to_vec(), numbers));
        self
    }

    fn with_number(mut self, key: &str, number: f32) -> Self {
        self.0.insert(key.into(), (vec![], vec![number]));
        self
    }

    fn write(&self, path: &Path) {
        let views = self.0.iter().map(|(key, (shape, numbers))| {
            (key, TensorView::new(Dtype::F32, shape.clone(), bytemuck::cast_slice(numbers)).unwrap())
        });
        serialize_to_file(views, None, path).unwrap();
    }

    /// The number at a place of a tensor, counted from its end: left out are leading zeros only.
    fn at<const D: usize>(&self, key: &str, place: [usize; D]) -> f64 {
        let (shape, numbers) = &self.0[key];
        let strides = (0..shape.len()).map(|i| shape[i + 1..].iter().product::<usize>());
        f64::from(numbers[strides.zip(place).map(|(stride, i)| stride * i).sum::<usize>()])
    }
}

fn network_file() -> File {
    File::default()
        .with("linear.weight", &[4, 6])
        .with("linear.bias", &[4])
        .with("conv.weight", &[4, 6, 3, 3])
        .with("conv.bias", &[4])
}

/// The weights of the layers with LoRA files merged: of the linear one as `[output, input]`, and of the convolution.
fn merged(files: &[(&File, f64)]) -> (Vec<f32>, Vec<f32>) {
    let folder = tempfile::tempdir().unwrap();
    network_file().write(&folder.path().join("network.safetensors"));
    let mut weights = Weights::in_file(&folder.path().join("network.safetensors")).unwrap();
    for (file, scale) in files {
        // Named by what is in it, so that a file has one name in all tests.
        let path = folder.path().join(format!("{}.safetensors", file.0.keys().next().unwrap()));
        file.write(&path);
        let report = Lora::open(&path, *scale).unwrap().merge(&mut [(Component::Unet, &mut weights)]).unwrap();
        assert_eq!(report.unmatched, [""; 0]);
    }
    let device = Device::flex();
    let network = Network {
        linear: LinearConfig::new(6, 4).init(&device),
        conv: Conv2dConfig::new([6, 4], [3, 3]).init(&device),
    };
    let network = weights.load(network, FloatDType::F32).unwrap();
    let linear = network.linear.weight.val().transpose().into_data().try_to_vec().unwrap();
    (linear, network.conv.weight.val().into_data().try_to_vec().unwrap())
}

/// Checks both layers against `expected(layer, output, input, row, column)`, what is added to a weight.
fn check(file: &File, scale: f64, expected: impl Fn(&str, usize, usize, usize, usize) -> f64) {
    let network = network_file();
    let (linear, conv) = merged(&[(file, scale)]);
    let close = |found: f32, expected: f64| assert!((f64::from(found) - expected).abs() < 1e-5, "{found} {expected}");
    for o in 0..4 {
        for i in 0..6 {
            close(linear[o * 6 + i], network.at("linear.weight", [o, i]) + expected("linear", o, i, 0, 0));
            for (row, column) in (0..9).map(|k| (k / 3, k % 3)) {
                let weight = network.at("conv.weight", [o, i, row, column]);
                close(conv[((o * 6 + i) * 3 + row) * 3 + column], weight + expected("conv", o, i, row, column));
            }
        }
    }
}

fn sum(count: usize, term: impl Fn(usize) -> f64) -> f64 {
    (0..count).map(term).sum()
}

fn kohya() -> File {
    File::default()
        .with("lora_unet_linear.lora_down.weight", &[2, 6])
        .with("lora_unet_linear.lora_up.weight", &[4, 2])
        .with_number("lora_unet_linear.alpha", 1.0)
        .with("lora_unet_conv.lora_down.weight", &[3, 6, 3, 3])
        .with("lora_unet_conv.lora_up.weight", &[4, 3, 1, 1])
}

fn kohya_change(file: &File, layer: &str, o: usize, i: usize, row: usize, column: usize) -> f64 {
    let rank = if layer == "linear" { 2 } else { 3 };
    let up = |r| file.at(&format!("lora_unet_{layer}.lora_up.weight"), [o, r, 0, 0]);
    let down = |r| file.at(&format!("lora_unet_{layer}.lora_down.weight"), [r, i, row, column]);
    let strength = if layer == "linear" { 0.5 } else { 1.0 };
    strength * sum(rank, |r| up(r) * down(r))
}

#[test]
fn lora_adds_up_times_down_over_the_rank() {
    let file = kohya();
    check(&file, 0.7, |layer, o, i, row, column| 0.7 * kohya_change(&file, layer, o, i, row, column));
}

#[test]
fn locon_has_a_core_between_up_and_down() {
    let file = File::default()
        .with("lora_unet_conv.lora_down.weight", &[3, 6, 1, 1])
        .with("lora_unet_conv.lora_mid.weight", &[2, 3, 3, 3])
        .with("lora_unet_conv.lora_up.weight", &[4, 2, 1, 1])
        .with_number("lora_unet_conv.alpha", 6.0);
    check(&file, 1.0, |layer, o, i, row, column| {
        let mid = |a, b| file.at("lora_unet_conv.lora_mid.weight", [a, b, row, column]);
        let up = |a| file.at("lora_unet_conv.lora_up.weight", [o, a]);
        let down = |b| file.at("lora_unet_conv.lora_down.weight", [b, i]);
        if layer == "conv" { 2.0 * sum(2, |a| sum(3, |b| up(a) * mid(a, b) * down(b))) } else { 0.0 }
    });
}

#[test]
fn loha_multiplies_two_changes() {
    let file = File::default()
        .with("lora_unet_linear.hada_w1_a", &[4, 2])
        .with("lora_unet_linear.hada_w1_b", &[2, 6])
        .with("lora_unet_linear.hada_w2_a", &[4, 2])
        .with("lora_unet_linear.hada_w2_b", &[2, 6])
        .with_number("lora_unet_linear.alpha", 3.0)
        .with("lora_unet_conv.hada_t1", &[2, 2, 3, 3])
        .with("lora_unet_conv.hada_w1_a", &[2, 4])
        .with("lora_unet_conv.hada_w1_b", &[2, 6])
        .with("lora_unet_conv.hada_t2", &[2, 2, 3, 3])
        .with("lora_unet_conv.hada_w2_a", &[2, 4])
        .with("lora_unet_conv.hada_w2_b", &[2, 6]);
    check(&file, -1.0, |layer, o, i, row, column| {
        let half = |n: usize| {
            let at = |part: &str, place| file.at(&format!("lora_unet_{layer}.hada_{part}"), place);
            let (a, b, t) = (format!("w{n}_a"), format!("w{n}_b"), format!("t{n}"));
            if layer == "linear" {
                sum(2, |r| at(&a, [o, r, 0, 0]) * at(&b, [r, i, 0, 0]))
            } else {
                sum(2, |r| sum(2, |s| at(&t, [r, s, row, column]) * at(&a, [r, o, 0, 0]) * at(&b, [s, i, 0, 0])))
            }
        };
        let strength = if layer == "linear" { 1.5 } else { 1.0 };
        -strength * half(1) * half(2)
    });
}

#[test]
fn lokr_is_a_product_of_kronecker() {
    let file = File::default()
        .with("lora_unet_linear.lokr_w1", &[2, 3])
        .with("lora_unet_linear.lokr_w2", &[2, 2])
        // With both factors whole there is no rank, and alpha says nothing.
        .with_number("lora_unet_linear.alpha", 5.0)
        .with("lora_unet_conv.lokr_w1_a", &[2, 1])
        .with("lora_unet_conv.lokr_w1_b", &[1, 3])
        .with("lora_unet_conv.lokr_t2", &[2, 2, 3, 3])
        .with("lora_unet_conv.lokr_w2_a", &[2, 2])
        .with("lora_unet_conv.lokr_w2_b", &[2, 2])
        .with_number("lora_unet_conv.alpha", 1.0);
    check(&file, 1.0, |layer, o, i, row, column| {
        if layer == "linear" {
            return file.at("lora_unet_linear.lokr_w1", [o / 2, i / 2])
                * file.at("lora_unet_linear.lokr_w2", [o % 2, i % 2]);
        }
        let at = |part: &str, place| file.at(&format!("lora_unet_conv.lokr_{part}"), place);
        let first = at("w1_a", [o / 2, 0, 0, 0]) * at("w1_b", [0, i / 2, 0, 0]);
        let second = |r, s| at("t2", [r, s, row, column]) * at("w2_a", [r, o % 2, 0, 0]) * at("w2_b", [s, i % 2, 0, 0]);
        0.5 * first * sum(2, |r| sum(2, |s| second(r, s)))
    });
}

#[test]
fn dora_gives_rows_or_inputs_their_lengths() {
    let lora = kohya();
    let network = network_file();
    for (key, linear, conv) in
        [("dora_scale", vec![4, 1], vec![1, 6, 1, 1]), ("lora_magnitude_vector", vec![4], vec![1, 4, 1, 1])]
    {
        let file = lora
            .clone()
            .with(&format!("lora_unet_linear.{key}"), &linear)
            .with(&format!("lora_unet_conv.{key}"), &conv);
        let changed = |layer: &str, o, i, row, column| {
            let weight = network.at(&format!("{layer}.weight"), [o, i, row, column]);
            weight + 0.5 * kohya_change(&lora, layer, o, i, row, column)
        };
        let square = |layer: &str, o, i| {
            let kernel = if layer == "linear" { 1 } else { 9 };
            sum(kernel, |k| changed(layer, o, i, k / 3, k % 3).powi(2))
        };
        check(&file, 0.5, |layer, o, i, row, column| {
            let is_of_inputs = layer == "conv" && key == "dora_scale";
            let length = if is_of_inputs { sum(4, |o| square(layer, o, i)) } else { sum(6, |i| square(layer, o, i)) };
            let (_, lengths) = &file.0[&format!("lora_unet_{layer}.{key}")];
            let wanted = f64::from(lengths[if is_of_inputs { i } else { o }]);
            let weight = network.at(&format!("{layer}.weight"), [o, i, row, column]);
            changed(layer, o, i, row, column) * wanted / length.sqrt() - weight
        });
    }
}

#[test]
fn several_files_are_merged_alike_in_any_order() {
    let second = File::default()
        .with("unet.linear.lora_A.weight", &[1, 6])
        .with("unet.linear.lora_B.weight", &[4, 1])
        .with("unet.linear.lora_magnitude_vector", &[4]);
    let first = kohya();
    let (a, b) = (
        merged(&[(&first, 0.3), (&second, 1.0), (&first, 0.1)]),
        merged(&[(&first, 0.1), (&first, 0.3), (&second, 1.0)]),
    );
    assert_eq!(
        a.0.iter().map(|n| n.to_bits()).collect::<Vec<_>>(),
        b.0.iter().map(|n| n.to_bits()).collect::<Vec<_>>()
    );
    assert_eq!(a, b);
    assert_ne!(a, merged(&[(&first, 0.3), (&second, 1.0)]));
}

fn refusal(file: &File) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (network, lora) = (folder.path().join("network.safetensors"), folder.path().join("lora.safetensors"));
    network_file().write(&network);
    file.write(&lora);
    let mut weights = Weights::in_file(&network).unwrap();
    let lora = Lora::open(&lora, 1.0);
    lora.and_then(|lora| lora.merge(&mut [(Component::Unet, &mut weights)])).unwrap_err().to_string()
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let other = File::default().with("unet.far.lora_A.weight", &[1, 6]).with("unet.far.lora_B.weight", &[4, 1]);
    assert!(refusal(&other).contains("none of its 1 modules is in the model: unet.far"), "{}", refusal(&other));
    let wide = File::default().with("unet.linear.lora_A.weight", &[1, 7]).with("unet.linear.lora_B.weight", &[4, 1]);
    let message = refusal(&wide);
    assert!(message.contains("1 of its modules are of another shape") && message.contains("[4, 7] instead of [4, 6]"));
    let torn = File::default().with("unet.linear.lora_A.weight", &[2, 6]).with("unet.linear.lora_B.weight", &[4, 1]);
    assert!(refusal(&torn).contains("of another shape"));
    let half = File::default().with("unet.linear.lora_A.weight", &[2, 6]);
    assert!(refusal(&half).contains("not a LoRA file"), "{}", refusal(&half));
}

#[test]
fn modules_that_the_model_lacks_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let (network, lora) = (folder.path().join("network.safetensors"), folder.path().join("lora.safetensors"));
    network_file().write(&network);
    let file = kohya().with("lora_unet_far.lora_up.weight", &[1, 1]).with("lora_unet_far.lora_down.weight", &[1, 1]);
    file.with("lora_unet_linear.diff_b", &[4]).write(&lora);
    let mut weights = Weights::in_file(&network).unwrap();
    let report = Lora::open(&lora, 1.0).unwrap().merge(&mut [(Component::Unet, &mut weights)]).unwrap();
    assert_eq!((report.matched, report.unmatched), (2, vec!["lora_unet_far".into(), "lora_unet_linear.diff_b".into()]));
}
