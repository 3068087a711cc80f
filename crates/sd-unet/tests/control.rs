//! What holds for every ControlNet.

use burn::tensor::{Device, Tensor};
use sd_golden::{Kind, noise, seeded};
use sd_unet::{Conditions, ControlNet, ControlNetConfig, Hint, Residuals, UnetConfig, UnionConfig};

const T: [f64; 2] = [981.0, 21.0];

fn network() -> ControlNet {
    seeded("sd1", "controlnet", Kind::Sd1.control().init(&Device::flex()))
}

fn union() -> ControlNet {
    let config = Kind::Sd1.control().with_union(Some(UnionConfig { kinds: 3, layers: 1, time_embed_dim: 8 }));
    seeded("sd1", "controlnet", config.init(&Device::flex()))
}

fn x() -> Tensor<4> {
    noise("x", [2, 4, 6, 5], &Device::flex())
}

fn conditions() -> Conditions {
    Conditions::new(noise("context", [2, 7, 32], &Device::flex()))
}

fn features(network: &ControlNet, name: &str, rows: usize) -> Tensor<4> {
    network.embed(noise(name, [rows, 3, 48, 40], &Device::flex()))
}

fn flat(residuals: Residuals) -> Vec<Tensor<1>> {
    let flat = |residual: Tensor<4>| {
        let count = residual.shape().num_elements();
        residual.reshape([count])
    };
    residuals.skips.into_iter().chain([residuals.mid]).map(flat).collect()
}

/// The largest difference, relative to the largest value.
fn distance(a: Residuals, b: Residuals) -> f32 {
    let largest = |x: Vec<Tensor<1>>| Tensor::cat(x, 0).abs().max().into_scalar::<f32>();
    let size = largest(flat(b.clone()));
    largest(flat(a.plus(times(b, -1.0)))) / size
}

fn times(residuals: Residuals, factor: f64) -> Residuals {
    let count = residuals.skips.len() + 1;
    residuals.scaled(&vec![factor; count])
}

#[test]
fn residuals_fit_the_u_net_whatever_its_middle_and_its_size() {
    let (device, t) = (Device::flex(), [500.0]);
    for (mid_resnets, mid_attention) in [(2, 1), (1, 0), (0, 0)] {
        let unet = UnetConfig { mid_resnets, mid_attention, ..Kind::Sd1.unet() };
        let network = ControlNetConfig { unet: unet.clone(), ..Kind::Sd1.control() }.init(&device);
        let network = seeded("sd1", "controlnet", network);
        let unet = unet.init(&device);
        for [height, width] in [[8, 8], [5, 7], [1, 3]] {
            let x: Tensor<4> = noise("x", [1, 4, height, width], &device);
            let hint = Hint::new(network.embed(noise("hint", [1, 3, 8 * height, 8 * width], &device)));
            let conditions = Conditions::new(noise("context", [1, 7, 32], &device));
            let residuals = network.forward(x.clone(), &t, &conditions, &[hint]);
            // It panics unless their number and their shapes are those of the feature maps.
            let steered = unet.forward(x.clone(), &t, &conditions.clone().with_residuals(residuals));
            assert!(steered.into_data() != unet.forward(x, &t, &conditions).into_data());
        }
    }
}

#[test]
fn a_hint_for_one_image_is_for_every_image_of_the_batch() {
    for (network, kind) in [(network(), None), (union(), Some(2))] {
        let hint = |features| Hint { features, kind, scale: 1.0 };
        let one = features(&network, "hint", 1);
        let both = Tensor::cat(vec![one.clone(), one.clone()], 0);
        let [one, both] = [one, both].map(|features| network.forward(x(), &T, &conditions(), &[hint(features)]));
        assert!(distance(one, both) < 1e-6);
    }
}

#[test]
fn an_image_does_not_depend_on_those_beside_it() {
    for (network, kind) in [(network(), None), (union(), Some(2))] {
        let both = features(&network, "hint", 2);
        let hint = |features| Hint { features, kind, scale: 1.0 };
        let together = network.forward(x(), &T, &conditions(), &[hint(both.clone())]);
        let second = |x: Tensor<4>| x.slice_dim(0, 1..2);
        let context = conditions().context.slice_dim(0, 1..2);
        let alone = network.forward(second(x()), &T[1..], &Conditions::new(context), &[hint(second(both))]);
        let together = Residuals { skips: together.skips.into_iter().map(second).collect(), mid: second(together.mid) };
        assert!(distance(together, alone) < 1e-5);
    }
}

/// Rounding is below 1e-5.
#[test]
fn a_union_reads_each_hint_its_kind_and_its_scale() {
    let network = union();
    let a = Hint::new(features(&network, "hint", 1));
    let b = Hint::new(network.embed(Tensor::ones([1, 3, 48, 40], &Device::flex())));
    let forward = |hints: &[Hint]| network.forward(x(), &T, &conditions(), hints);
    let two = forward(&[a.clone().with_kind(0), b.clone().with_kind(1)]);
    let swapped = forward(&[b.clone().with_kind(1), a.clone().with_kind(0)]);
    assert!(distance(swapped, two.clone()) < 1e-5, "their order has no meaning");
    let others = [
        forward(&[a.clone().with_kind(0)]),
        forward(&[a.clone().with_kind(1), b.clone().with_kind(0)]),
        forward(&[a.clone().with_kind(0), b.clone().with_kind(2)]),
        forward(&[a.clone().with_kind(0), b.with_kind(1).with_scale(0.5)]),
    ];
    for (i, other) in others.into_iter().enumerate() {
        let apart = distance(other, two.clone());
        assert!(apart > 0.001, "{i}: {apart}");
    }
}

#[test]
fn two_halves_are_a_whole_to_the_bit() {
    let network = network();
    let whole = network.forward(x(), &T, &conditions(), &[Hint::new(features(&network, "hint", 1))]);
    let half = times(whole.clone(), 0.5);
    let [sum, whole] = [half.clone().plus(half), whole].map(|residuals| flat(residuals).into_iter());
    for (sum, whole) in sum.zip(whole) {
        assert_eq!(sum.into_data(), whole.into_data());
    }
}

#[test]
fn perturbed_attention_is_the_u_nets_alone() {
    let network = network();
    let hints = [Hint::new(features(&network, "hint", 1))];
    let [plain, perturbed] =
        [conditions(), conditions().with_perturbed()].map(|conditions| network.forward(x(), &T, &conditions, &hints));
    assert_eq!(perturbed.mid.into_data(), plain.mid.into_data());
}

#[test]
#[should_panic(expected = "0 hints for a network that takes one")]
fn a_control_net_needs_a_hint() {
    network().forward(x(), &T, &conditions(), &[]);
}

#[test]
#[should_panic(expected = "a hint of kind Some(3) for a network of 3 kinds")]
fn a_kind_that_a_union_does_not_know_is_refused() {
    let network = union();
    let hint = Hint::new(features(&network, "hint", 1)).with_kind(3);
    network.forward(x(), &T, &conditions(), &[hint]);
}

#[test]
#[should_panic(expected = "a hint of shape [1, 16, 3, 5] for feature maps of shape [2, 16, 6, 5]")]
fn a_hint_of_another_size_is_refused() {
    let network = network();
    let hint = Hint::new(network.embed(noise("hint", [1, 3, 24, 40], &Device::flex())));
    network.forward(x(), &T, &conditions(), &[hint]);
}

#[test]
#[should_panic(expected = "a hint of 1 channels for a network that takes 3")]
fn a_hint_with_other_channels_is_refused() {
    network().embed(noise("hint", [1, 1, 48, 40], &Device::flex()));
}
