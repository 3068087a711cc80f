//! The tensors of the published autoencoders match by name and shape: none is missing, and none is unused.

use burn::tensor::Device;
use sd_golden::assert_fits;
use sd_vae::{AutoencoderKlConfig, AutoencoderTinyConfig};

#[test]
fn stable_diffusion_1_5_fits_key_by_key() {
    assert_fits(&AutoencoderKlConfig::sd().init(&Device::flex()), "vae");
}

#[test]
fn stable_diffusion_xl_fits_key_by_key() {
    assert_fits(&AutoencoderKlConfig::sdxl().init(&Device::flex()), "vae");
}

#[test]
fn taesd_fits_key_by_key() {
    assert_fits(&AutoencoderTinyConfig::taesd().init(&Device::flex()), "vae_tiny");
}
