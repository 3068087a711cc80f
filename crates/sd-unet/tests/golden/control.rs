//! ControlNets against the reference, on every backend of this build: relative error at most 1e-4.

use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};
use sd_golden::{Kind, assert_close, data, devices, noise, seeded};
use sd_ops::lay_out;
use sd_unet::{AddedConditions, Conditions, ControlNet, ControlNetConfig, Hint, Residuals, UnionConfig};

fn conditions(kind: Kind, device: &Device) -> Conditions {
    let conditions = Conditions::new(noise("context", [2, 7, kind.unet().cross_attention_dim], device));
    if kind != Kind::Sdxl {
        return conditions;
    }
    let text_embeds = noise("text_embeds", [2, 40], device);
    conditions.with_added(AddedConditions { text_embeds, time_ids: vec![vec![64.0, 96.0, 0.0, 8.0, 64.0, 96.0]; 2] })
}

/// Features of a bright and a dark image.
fn hint(network: &ControlNet, name: &str, device: &Device) -> Hint {
    let brightness: Tensor<4> = Tensor::from_floats([[[[1.0]]], [[[0.1]]]], device);
    Hint::new(network.embed(sigmoid(noise(name, [2, 3, 56, 40], device)) * brightness))
}

fn residuals(network: &ControlNet, kind: Kind, hints: &[Hint], device: &Device) -> Residuals {
    network.forward(noise("x", [2, 4, 7, 5], device), &[981.0, 21.0], &conditions(kind, device), hints)
}

/// Compares with the file `name` on every backend.
fn check(
    (kind, part, config): (Kind, &str, ControlNetConfig),
    name: &str,
    compute: impl Fn(&ControlNet, &Device) -> Residuals,
) {
    let expected = data().join("control_networks").join(format!("{name}.safetensors"));
    for (backend, device) in devices() {
        let network = lay_out(seeded(kind.name(), part, config.init(&device)));
        let Residuals { skips, mid } = compute(&network, &device);
        for (i, residual) in skips.into_iter().chain([mid]).enumerate() {
            assert_close(residual, &expected, &i.to_string(), backend);
        }
    }
}

#[test]
fn a_control_net_of_a_tiny_sd1_matches_the_reference() {
    check((Kind::Sd1, "controlnet", Kind::Sd1.control()), "sd1", |network, device| {
        residuals(network, Kind::Sd1, &[hint(network, "hint", device)], device)
    });
}

#[test]
fn pooled_residuals_of_a_network_that_reads_bgr_match_the_reference() {
    let config = Kind::Sd2v.control().with_bgr(true);
    check((Kind::Sd2v, "controlnet", config), "sd2v", |network, device| {
        residuals(network, Kind::Sd2v, &[hint(network, "hint", device)], device).pooled()
    });
}

/// In guess mode the residuals' weights grow from 0.1 to 1.
#[test]
fn scaled_residuals_of_a_tiny_sdxl_match_the_reference() {
    check((Kind::Sdxl, "controlnet", Kind::Sdxl.control()), "sdxl", |network, device| {
        let residuals = residuals(network, Kind::Sdxl, &[hint(network, "hint", device)], device);
        let last = residuals.skips.len();
        let factors: Vec<f64> = (0..=last).map(|i| 0.7 * 10.0_f64.powf(i as f64 / last as f64 - 1.0)).collect();
        residuals.scaled(&factors)
    });
}

fn union() -> (Kind, &'static str, ControlNetConfig) {
    let union = UnionConfig { kinds: 6, layers: 2, time_embed_dim: 8 };
    (Kind::Sdxl, "union", Kind::Sdxl.control().with_union(Some(union)))
}

#[test]
fn one_hint_of_a_union_matches_the_reference() {
    check(union(), "union_one", |network, device| {
        let hint = hint(network, "hint 3", device).with_kind(3);
        let residuals = residuals(network, Kind::Sdxl, &[hint], device);
        let count = residuals.skips.len() + 1;
        residuals.scaled(&vec![0.7; count])
    });
}

#[test]
fn two_hints_of_a_union_match_the_reference() {
    check(union(), "union_two", |network, device| {
        let hints = [(4, 0.7), (1, 0.4)]
            .map(|(kind, scale)| hint(network, &format!("hint {kind}"), device).with_kind(kind).with_scale(scale));
        residuals(network, Kind::Sdxl, &hints, device)
    });
}
