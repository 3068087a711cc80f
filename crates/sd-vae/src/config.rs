use burn::prelude::*;

/// Configuration of an [`AutoencoderKl`](crate::AutoencoderKl), with the names of the checkpoint's `config.json`.
#[derive(Config, Debug, PartialEq)]
pub struct AutoencoderKlConfig {
    /// Channels of the input image.
    pub in_channels: usize,
    /// Channels of the output image.
    pub out_channels: usize,
    /// Channels of each resolution, the finest first; each has half the width and height of the one before.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks per resolution in the encoder; the decoder has one more.
    pub layers_per_block: usize,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Groups of every group norm; divides all channels.
    pub norm_num_groups: usize,
    /// Multiplies latents after encoding, so that their variance is about 1.
    pub scaling_factor: f64,
    /// Whether a 1×1 convolution follows the encoder.
    pub use_quant_conv: bool,
    /// Whether a 1×1 convolution precedes the decoder.
    pub use_post_quant_conv: bool,
}

impl AutoencoderKlConfig {
    /// Stable Diffusion 1.x and 2.x.
    pub fn sd() -> Self {
        Self {
            in_channels: 3,
            out_channels: 3,
            block_out_channels: vec![128, 256, 512, 512],
            layers_per_block: 2,
            latent_channels: 4,
            norm_num_groups: 32,
            scaling_factor: 0.18215,
            use_quant_conv: true,
            use_post_quant_conv: true,
        }
    }

    /// Stable Diffusion XL.
    pub fn sdxl() -> Self {
        Self { scaling_factor: 0.13025, ..Self::sd() }
    }

    /// Width and height of a latent in pixels.
    pub fn factor(&self) -> usize {
        1 << (self.block_out_channels.len() - 1)
    }

    pub(crate) fn coarsest(&self) -> usize {
        *self.block_out_channels.last().expect("an autoencoder has resolutions")
    }
}
