//! The names and shapes of every tensor of the real networks: nothing missing, nothing unused.
//!
//! `keys.py` wrote the lists with diffusers and transformers.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Device;
use sd_clip::ClipTextConfig;
use sd_unet::{UnconditionalUnetConfig, UnetConfig};
use sd_vae::{AutoencoderKlConfig, AutoencoderTinyConfig};
use sd_weights::parameters;

fn assert_fits<M: Module>(module: &M, list: &str) {
    let file = format!("{}/keys/{list}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap();
    let shape = |shape: &str| shape.split('x').map(|n| n.parse().unwrap()).collect::<Vec<usize>>();
    let mut expected: BTreeMap<&str, Vec<usize>> =
        text.lines().map(|line| line.split_once(' ').unwrap()).map(|(key, s)| (key, shape(s))).collect();
    for (key, found) in parameters(module) {
        let mut wanted =
            expected.remove(key.as_str()).unwrap_or_else(|| panic!("{list}: {key} is not in the checkpoint"));
        // A 1×1 convolution may fill a matrix.
        if found.len() == 2 && wanted.ends_with(&[1, 1]) {
            wanted.truncate(2);
        }
        assert_eq!(found, wanted, "{list}: {key}");
    }
    assert!(expected.is_empty(), "{list}: unused keys {:?}", expected.keys().take(5).collect::<Vec<_>>());
}

#[test]
fn stable_diffusion_1_5_fits_key_by_key() {
    let device = Device::flex();
    assert_fits(&ClipTextConfig::sd1().init(&device), "text_encoder_sd15");
    assert_fits(&UnetConfig::sd1().init(&device), "unet_sd15");
    assert_fits(&AutoencoderKlConfig::sd().init(&device), "vae");
}

#[test]
fn stable_diffusion_2_1_fits_key_by_key() {
    let device = Device::flex();
    assert_fits(&ClipTextConfig::sd2().init(&device), "text_encoder_sd21");
    assert_fits(&UnetConfig::sd2().init(&device), "unet_sd21");
}

#[test]
fn stable_diffusion_xl_fits_key_by_key() {
    let device = Device::flex();
    assert_fits(&ClipTextConfig::sdxl_2().init(&device), "text_encoder_2_sdxl");
    assert_fits(&UnetConfig::sdxl().init(&device), "unet_sdxl");
    assert_fits(&AutoencoderKlConfig::sdxl().init(&device), "vae");
}

#[test]
fn taesd_fits_key_by_key() {
    assert_fits(&AutoencoderTinyConfig::taesd().init(&Device::flex()), "vae_tiny");
}

#[test]
fn the_networks_of_ddpm_fit_key_by_key() {
    let device = Device::flex();
    assert_fits(&UnconditionalUnetConfig::ddpm_cifar10().init(&device), "unet_ddpm_cifar10");
    assert_fits(&UnconditionalUnetConfig::ddpm_256().init(&device), "unet_ddpm_256");
}
