//! U-Nets with perturbed attention and with FreeU, and the attention in their middle, against the reference, on every backend of
//! this build: relative error at most 1e-4.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor};
use sd_golden::{Kind, TinyModel, assert_close, data, devices, noise};
use sd_ops::lay_out;
use sd_unet::{AddedConditions, Conditions, FreeU, Unet};

const KINDS: [Kind; 2] = [Kind::Sd1, Kind::Sdxl];
const FREEU: FreeU = FreeU { b1: 1.3, b2: 1.4, s1: 0.9, s2: 0.2 };

fn expected(kind: Kind) -> PathBuf {
    data().join("altered_unets").join(format!("{}.safetensors", kind.name()))
}

fn unet(kind: Kind, device: &Device) -> Unet {
    lay_out(TinyModel::new(kind).load("unet", kind.unet().init(device)))
}

fn conditions(kind: Kind, device: &Device) -> Conditions {
    let conditions = Conditions::new(noise("context", [2, 7, kind.unet().cross_attention_dim], device));
    if kind == Kind::Sd1 {
        return conditions;
    }
    let text_embeds = noise("text_embeds", [2, 40], device);
    conditions.with_added(AddedConditions { text_embeds, time_ids: vec![vec![64.0, 96.0, 0.0, 8.0, 64.0, 96.0]; 2] })
}

fn x(device: &Device) -> Tensor<4> {
    noise("x", [2, 4, 27, 21], device)
}

/// The largest difference, relative to the largest value.
fn distance(a: Tensor<4>, b: Tensor<4>) -> f32 {
    let largest = |x: Tensor<4>| x.abs().max().into_scalar::<f32>();
    largest(a - b.clone()) / largest(b)
}

/// What the first layer attends to does not depend on the perturbation.
#[test]
fn perturbed_attention_and_the_attention_in_the_middle_match_the_reference() {
    for kind in KINDS {
        for (name, device) in devices() {
            let conditions = conditions(kind, &device).with_perturbed();
            let (out, map) = unet(kind, &device).forward_with_attention(x(&device), &[981.0, 21.0], &conditions);
            assert_close(out, &expected(kind), "perturbed", name);
            assert_close(map, &expected(kind), "map", name);
        }
    }
}

#[test]
fn freeu_matches_the_reference() {
    for kind in KINDS {
        for (name, device) in devices() {
            let unet = unet(kind, &device).with_freeu(FREEU);
            let out = unet.forward(x(&device), &[981.0, 21.0], &conditions(kind, &device));
            assert_close(out, &expected(kind), "freeu", name);
        }
    }
}

#[test]
fn the_references_are_not_the_plain_prediction() {
    let device = Device::flex();
    for kind in KINDS {
        let (unet, conditions) = (unet(kind, &device), conditions(kind, &device));
        let predict = |unet: &Unet, conditions: &Conditions| unet.forward(x(&device), &[981.0, 21.0], conditions);
        let plain = predict(&unet, &conditions);
        assert!(distance(predict(&unet, &conditions.clone().with_perturbed()), plain.clone()) > 0.01);
        assert!(distance(predict(&unet.with_freeu(FREEU), &conditions), plain) > 0.01);
    }
}

#[test]
fn watching_the_attention_changes_no_bit_and_its_mean_is_1() {
    let device = Device::flex();
    for kind in KINDS {
        let (unet, conditions) = (unet(kind, &device), conditions(kind, &device));
        let plain = unet.forward(x(&device), &[981.0, 21.0], &conditions);
        let (watched, map) = unet.forward_with_attention(x(&device), &[981.0, 21.0], &conditions);
        assert_eq!(watched.into_data(), plain.into_data());
        let mean = map.mean().into_scalar::<f32>();
        assert!((mean - 1.0).abs() < 1e-5, "{mean}");
    }
}

#[test]
fn with_one_pixel_in_the_middle_there_is_nothing_to_perturb() {
    let device = Device::flex();
    let (unet, conditions) = (unet(Kind::Sd1, &device), conditions(Kind::Sd1, &device));
    let x: Tensor<4> = noise("x", [2, 4, 8, 8], &device);
    let (plain, map) = unet.forward_with_attention(x.clone(), &[981.0, 21.0], &conditions);
    let perturbed = unet.forward(x, &[981.0, 21.0], &conditions.with_perturbed());
    assert_eq!(map.into_data().try_to_vec::<f32>().unwrap(), [1.0; 2]);
    assert!(distance(perturbed, plain) < 1e-6);
}

#[test]
fn freeu_with_ones_is_the_plain_network() {
    let device = Device::flex();
    let (unet, conditions) = (unet(Kind::Sdxl, &device), conditions(Kind::Sdxl, &device));
    let plain = unet.forward(x(&device), &[981.0, 21.0], &conditions);
    let ones = unet.with_freeu(FreeU::new(1.0, 1.0, 1.0, 1.0));
    assert!(distance(ones.forward(x(&device), &[981.0, 21.0], &conditions), plain) < 1e-6);
}
