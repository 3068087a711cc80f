//! Each autoencoder of the tiny models against the reference, on every backend of this build: relative error at most 1e-4.

use sd_golden::{Kind, TinyModel, assert_close, data, devices, noise, vae_tiny};
use sd_ops::lay_out;

fn check(kind: Kind) {
    let (model, expected) = (TinyModel::new(kind), kind.data().join("expected/networks.safetensors"));
    for (name, device) in devices() {
        let vae = lay_out(model.load("vae", kind.vae().init(&device)));
        let scale = kind.vae().scaling_factor;
        assert_close(vae.decode(noise("z", [1, 4, 4, 6], &device) * scale), &expected, "vae.decode", name);
        let posterior = vae.encode(noise("image", [1, 3, 16, 24], &device));
        assert_close(posterior.mean() / scale, &expected, "vae.mean", name);
        assert_close(posterior.std() / scale, &expected, "vae.std", name);
    }
}

#[test]
fn the_autoencoder_of_a_tiny_sd1_matches_the_reference() {
    check(Kind::Sd1);
}

#[test]
fn the_autoencoder_of_a_tiny_sd2_matches_the_reference() {
    check(Kind::Sd2v);
}

#[test]
fn the_autoencoder_of_a_tiny_sdxl_matches_the_reference() {
    check(Kind::Sdxl);
}

#[test]
fn a_tiny_taesd_matches_the_reference() {
    let (model, expected) = (TinyModel::vae_tiny(), data().join("vae_tiny/networks.safetensors"));
    for (name, device) in devices() {
        let vae = model.load("", vae_tiny().init(&device));
        assert_close(vae.decode(noise("z", [1, 4, 4, 6], &device)), &expected, "decode", name);
        assert_close(vae.encode(noise("image", [1, 3, 16, 24], &device)), &expected, "encode", name);
    }
}
