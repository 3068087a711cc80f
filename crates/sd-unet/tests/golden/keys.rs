//! The tensors of the published U-Nets match by name and shape: none is missing, and none is unused.

use burn::tensor::Device;
use sd_golden::assert_fits;
use sd_unet::{UnconditionalUnetConfig, UnetConfig};

#[test]
fn stable_diffusion_1_5_fits_key_by_key() {
    assert_fits(&UnetConfig::sd1().init(&Device::flex()), "unet_sd15");
}

#[test]
fn stable_diffusion_2_1_fits_key_by_key() {
    assert_fits(&UnetConfig::sd2().init(&Device::flex()), "unet_sd21");
}

#[test]
fn stable_diffusion_xl_fits_key_by_key() {
    assert_fits(&UnetConfig::sdxl().init(&Device::flex()), "unet_sdxl");
}

#[test]
fn the_networks_of_ddpm_fit_key_by_key() {
    let device = Device::flex();
    assert_fits(&UnconditionalUnetConfig::ddpm_cifar10().init(&device), "unet_ddpm_cifar10");
    assert_fits(&UnconditionalUnetConfig::ddpm_256().init(&device), "unet_ddpm_256");
}
