//! The names and shapes of every tensor of the published text encoders: nothing missing, nothing unused.

use burn::tensor::Device;
use sd_clip::ClipTextConfig;
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
