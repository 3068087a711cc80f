use burn::nn::conv::Conv2d;
use burn::nn::{PRelu, PReluConfig};
use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::convolve;

use crate::UpscaleError;
use crate::dense::conv3x3;
use crate::enlarge::repeat_pixels;
use crate::shuffle::shuffle;

/// Configuration of a [`CompactNet`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct CompactNetConfig {
    /// Channels of the features.
    #[config(default = 64)]
    pub channels: usize,
    /// Number of convolutions, without the first and the last.
    #[config(default = 32)]
    pub convolutions: usize,
    /// The factor between the sides of the output and of the input.
    #[config(default = 4)]
    pub scale: usize,
}

impl CompactNetConfig {
    /// Creates the network on `device`, with random weights.
    pub fn init(&self, device: &Device) -> CompactNet {
        let (channels, count) = (self.channels, self.convolutions + 1);
        let conv = |i: usize| conv3x3(if i == 0 { 3 } else { channels }, channels, device);
        let mut convs: Vec<Conv2d> = (0..count).map(conv).collect();
        convs.push(conv3x3(channels, 3 * self.scale * self.scale, device));
        let activation = |_| PReluConfig::new().with_num_parameters(channels).init(device);
        CompactNet { convs, activations: (0..count).map(activation).collect(), config: self.clone() }
    }
}

/// SRVGGNetCompact, the small network of Real-ESRGAN: all convolutions are at the input's size.
#[derive(Module, Debug)]
pub struct CompactNet {
    convs: Vec<Conv2d>,
    activations: Vec<PRelu>,
    #[module(skip)]
    config: CompactNetConfig,
}

impl CompactNet {
    /// Returns an image of [`scale`](CompactNetConfig::scale) times the size.
    ///
    /// # Shapes
    ///
    /// - x: `[1, 3, height, width]`, from 0 to 1
    /// - output: `[1, 3, scale·height, scale·width]`, about 0 to 1
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.forward_with(x, &mut || Ok(())).expect("nothing stops it")
    }

    /// As [`forward`](Self::forward), and calls `advance` after each of [`steps`](Self::steps) parts of the work.
    pub(crate) fn forward_with(
        &self,
        x: Tensor<4>,
        advance: &mut dyn FnMut() -> Result<(), UpscaleError>,
    ) -> Result<Tensor<4>, UpscaleError> {
        let mut features = x.clone();
        for (i, conv) in self.convs.iter().enumerate() {
            features = convolve(conv, features);
            if let Some(activation) = self.activations.get(i) {
                features = activation.forward(features);
            }
            advance()?;
        }
        Ok(shuffle(features, self.config.scale) + repeat_pixels(x, self.config.scale))
    }

    /// Number of parts that the work of one call is reported in.
    pub(crate) fn steps(&self) -> usize {
        self.convs.len()
    }

    /// The precision in which images are expected.
    pub fn dtype(&self) -> DType {
        self.convs[0].bias.as_ref().expect("it has a bias").dtype()
    }

    /// The network's configuration.
    pub fn config(&self) -> &CompactNetConfig {
        &self.config
    }
}
