//! The tensors of the published U-Nets and ControlNets match by name and shape: none is missing, and none is unused.

use burn::tensor::Device;
use sd_golden::assert_fits;
use sd_unet::{ControlNetConfig, UnconditionalUnetConfig, UnetConfig, UnetLevel, UnionConfig};

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
fn control_nets_fit_key_by_key() {
    let device = Device::flex();
    let sdxl = ControlNetConfig::new(UnetConfig::sdxl());
    assert_fits(&ControlNetConfig::new(UnetConfig::sd1()).init(&device), "controlnet_sd15");
    assert_fits(&ControlNetConfig::new(UnetConfig::sd2()).init(&device), "controlnet_sd21");
    assert_fits(&sdxl.init(&device), "controlnet_sdxl");
    assert_fits(&sdxl.clone().with_union(Some(UnionConfig::new(6))).init(&device), "controlnet_union");
    assert_fits(&sdxl.with_union(Some(UnionConfig::new(8))).init(&device), "controlnet_promax");
}

#[test]
fn a_control_net_without_attention_fits_key_by_key() {
    let levels = [320, 640, 1280].map(|channels| UnetLevel::even(channels, 2, 0, 1)).to_vec();
    let small = UnetConfig { levels, mid_resnets: 1, mid_attention: 0, ..UnetConfig::sdxl() };
    assert_fits(&ControlNetConfig::new(small).init(&Device::flex()), "controlnet_sdxl_small");
}

#[test]
fn the_networks_of_ddpm_fit_key_by_key() {
    let device = Device::flex();
    assert_fits(&UnconditionalUnetConfig::ddpm_cifar10().init(&device), "unet_ddpm_cifar10");
    assert_fits(&UnconditionalUnetConfig::ddpm_256().init(&device), "unet_ddpm_256");
}
