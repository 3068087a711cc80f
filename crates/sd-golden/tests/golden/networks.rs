//! Each network alone against the reference, on every backend of this build: relative error at most 1e-4.

#![allow(clippy::print_stdout, reason = "the figures are worth reading with --nocapture")]

use std::path::Path;

use burn::tensor::{FloatDType, Tensor};
use sd_clip::Tokenizer;
use sd_golden::{Kind, TinyModel, data, ddpm, later_ddpm, noise, vae_tiny};
use sd_ops::{lay_out, pack};
use sd_pipeline::read_tensor;
use sd_unet::{AddedConditions, Conditions};
use sd_weights::Weights;

use crate::devices;

fn load<M: burn::module::Module>(model: &TinyModel, part: &str, stem: &str, module: M) -> M {
    Weights::in_folder(&model.path().join(part), stem).unwrap().load(module, FloatDType::F32).unwrap()
}

/// Largest difference, relative to the root of the mean square of what is expected.
fn assert_close<const D: usize>(found: Tensor<D>, expected: &Path, key: &str, device: &str) {
    let (expected, shape) = read_tensor(expected, key).unwrap();
    assert_eq!(found.dims().to_vec(), shape, "{key}");
    let found = found.into_data().try_to_vec::<f32>().unwrap();
    let size = (expected.iter().map(|x| x * x).sum::<f32>() / expected.len() as f32).sqrt();
    let error = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / size;
    println!("{device} {key}: {error:.1e}");
    assert!(error <= 1e-4, "{key} on {device}: relative error {error:.1e}");
}

fn check(kind: Kind) {
    let (model, expected) = (TinyModel::new(kind), kind.data().join("expected/networks.safetensors"));
    for (name, device) in devices() {
        let tokenizer = Tokenizer::from_folder(&model.path().join("tokenizer")).unwrap();
        let prompts = ["a red house by the sea", "blurry"].map(|prompt| tokenizer.encode(prompt).ids);
        for (part, config) in kind.text() {
            let text = pack(load(&model, part, "model", config.init(&device))).forward(&prompts);
            assert_close(text.last.slice([0..2, 0..12]), &expected, &format!("{part}.last"), name);
            assert_close(text.penultimate.slice([0..2, 0..12]), &expected, &format!("{part}.penultimate"), name);
            assert_close(text.pooled, &expected, &format!("{part}.pooled"), name);
        }
        let unet = lay_out(load(&model, "unet", "diffusion_pytorch_model", kind.unet().init(&device)));
        let added = AddedConditions {
            text_embeds: noise("text_embeds", [2, 40], &device),
            time_ids: vec![[64.0, 96.0, 0.0, 8.0, 64.0, 96.0]; 2],
        };
        let context = noise("context", [2, 7, kind.unet().cross_attention_dim], &device);
        let conditions = Conditions::new(context);
        let conditions = if kind == Kind::Sdxl { conditions.with_added(added) } else { conditions };
        let out = unet.forward(noise("x", [2, 4, 8, 12], &device), &[981.0, 21.0], &conditions);
        assert_close(out, &expected, "unet", name);

        let vae = lay_out(load(&model, "vae", "diffusion_pytorch_model", kind.vae().init(&device)));
        let scale = kind.vae().scaling_factor;
        assert_close(vae.decode(noise("z", [1, 4, 4, 6], &device) * scale), &expected, "vae.decode", name);
        let posterior = vae.encode(noise("image", [1, 3, 16, 24], &device));
        assert_close(posterior.mean() / scale, &expected, "vae.mean", name);
        assert_close(posterior.std() / scale, &expected, "vae.std", name);
    }
}

#[test]
fn the_networks_of_a_tiny_sd1_are_the_references() {
    check(Kind::Sd1);
}

#[test]
fn the_networks_of_a_tiny_sd2_are_the_references() {
    check(Kind::Sd2v);
}

#[test]
fn the_networks_of_a_tiny_sdxl_are_the_references() {
    check(Kind::Sdxl);
}

#[test]
fn the_networks_of_a_tiny_taesd_are_the_references() {
    let (model, expected) = (TinyModel::vae_tiny(), data().join("vae_tiny/networks.safetensors"));
    for (name, device) in devices() {
        let vae = load(&model, "", "diffusion_pytorch_model", vae_tiny().init(&device));
        assert_close(vae.decode(noise("z", [1, 4, 4, 6], &device)), &expected, "decode", name);
        assert_close(vae.encode(noise("image", [1, 3, 16, 24], &device)), &expected, "encode", name);
    }
}

#[test]
fn the_networks_of_a_tiny_ddpm_are_the_references() {
    let (model, expected) = (TinyModel::ddpm(), data().join("ddpm/expected/networks.safetensors"));
    for (name, device) in devices() {
        for (part, config) in [("unet", ddpm()), ("later", later_ddpm())] {
            let unet = load(&model, part, "diffusion_pytorch_model", config.init(&device));
            let out = unet.forward(noise("x", [2, 3, 32, 16], &device), &[981.0, 21.0]);
            assert_close(out, &expected, part, name);
        }
    }
}
