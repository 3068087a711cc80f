use burn::prelude::*;

use crate::UnetConfig;

/// Configuration of a [`ControlNet`](crate::ControlNet).
#[derive(Config, Debug, PartialEq)]
pub struct ControlNetConfig {
    /// The U-Net that it steers, whose way down and middle it has a copy of. What concerns the way up and the output is not read.
    pub unet: UnetConfig,
    /// Channels of the hint: 3 for an RGB image.
    #[config(default = 3)]
    pub hint_channels: usize,
    /// Channels of the convolutions that read the hint, the first one's first; each of the others halves it.
    #[config(default = "vec![16, 32, 96, 256]")]
    pub hint_widths: Vec<usize>,
    /// Whether the network was trained on hints with the channels in reverse order; [`embed`](crate::ControlNet::embed) reverses
    /// them.
    #[config(default = false)]
    pub bgr: bool,
    /// Whether the network gives the image's content without its layout ("shuffle"): its residuals are to be
    /// [pooled](crate::Residuals::pooled). The network itself does not read it.
    #[config(default = false)]
    pub global_pool_conditions: bool,
    /// For networks that take hints of several kinds.
    pub union: Option<UnionConfig>,
}

/// What a ControlNet for hints of several kinds has besides (ControlNet++, Union and ProMax).
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub struct UnionConfig {
    /// Number of kinds: 6, or 8 in ProMax.
    pub kinds: usize,
    /// Layers between the mean of a hint's features and the shift of its channels.
    #[config(default = 1)]
    pub layers: usize,
    /// Width of the sinusoidal embedding of whether a kind is present.
    #[config(default = 256)]
    pub time_embed_dim: usize,
}

impl ControlNetConfig {
    /// Pixels of the hint for each of the U-Net's, along either axis.
    pub fn factor(&self) -> usize {
        1 << (self.hint_widths.len() - 1)
    }
}
