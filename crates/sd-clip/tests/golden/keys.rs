//! The names and shapes of every tensor of the published text encoders and image encoders: nothing missing, nothing unused.

use burn::tensor::Device;
use sd_clip::{ClipTextConfig, ClipVisionConfig};
use sd_golden::assert_fits;

#[test]
fn stable_diffusion_1_5_fits_key_by_key() {
    assert_fits(&ClipTextConfig::sd1().init(&Device::flex()), "text_encoder_sd15");
}

#[test]
fn stable_diffusion_2_1_fits_key_by_key() {
    assert_fits(&ClipTextConfig::sd2().init(&Device::flex()), "text_encoder_sd21");
}

#[test]
fn stable_diffusion_xl_fits_key_by_key() {
    assert_fits(&ClipTextConfig::sdxl_2().init(&Device::flex()), "text_encoder_2_sdxl");
}

#[test]
fn vit_l_fits_key_by_key() {
    assert_fits(&ClipVisionConfig::vit_l().init(&Device::flex()), "image_encoder_vit_l");
}

#[test]
fn vit_h_fits_key_by_key() {
    assert_fits(&ClipVisionConfig::vit_h().init(&Device::flex()), "image_encoder_vit_h");
}

#[test]
fn vit_bigg_fits_key_by_key() {
    assert_fits(&ClipVisionConfig::vit_bigg().init(&Device::flex()), "image_encoder_vit_bigg");
}
