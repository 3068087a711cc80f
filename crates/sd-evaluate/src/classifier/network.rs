use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, GroupNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::prelude::*;
use burn::tensor::activation::silu;
use sd_scenes::Style;
use serde::{Deserialize, Serialize};

use super::head::logit_count;

/// The architecture of a [`Classifier`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierConfig {
    /// Width and height of the images it reads, a multiple of `2^stages`.
    pub pixels: usize,
    /// Channels of each stage, multiples of 8; every stage halves width and height.
    pub channels: Vec<usize>,
    /// Features of an image, from which all heads choose.
    pub features: usize,
    /// The style of the images.
    #[serde(default)]
    pub style: Style,
}

/// For images of 64 pixels: half a million parameters.
impl Default for ClassifierConfig {
    fn default() -> Self {
        Self { pixels: 64, channels: vec![24, 48, 72, 96], features: 128, style: Style::Paint }
    }
}

/// A small convolutional network that reads an image back into the scene that it shows.
///
/// Positions matter, so its last feature map is flattened and not averaged.
#[derive(Module, Debug)]
pub struct Classifier {
    stages: Vec<Stage>,
    hidden: Linear,
    /// The layer of all heads, by its key in saved classifiers.
    answers: Linear,
    #[module(skip)]
    config: ClassifierConfig,
}

/// A convolution that halves the size, and one with a residual connection.
#[derive(Module, Debug)]
struct Stage {
    down: Conv2d,
    norm1: GroupNorm,
    conv: Conv2d,
    norm2: GroupNorm,
}

impl ClassifierConfig {
    /// Creates the classifier on `device`, with random weights.
    ///
    /// # Panics
    ///
    /// Panics if `pixels` is not a multiple of `2^stages`, or a number of channels not a multiple of 8.
    pub fn init(&self, device: &Device) -> Classifier {
        let halves = 1 << self.channels.len();
        assert!(
            self.pixels > 0 && self.pixels.is_multiple_of(halves),
            "{} pixels, expected a multiple of {halves}",
            self.pixels
        );
        let from = [3].into_iter().chain(self.channels.iter().copied());
        let stages = from.zip(&self.channels).map(|(from, &to)| Stage::new(from, to, device)).collect();
        let last = self.channels.last().map_or(3, |channels| *channels) * (self.pixels / halves).pow(2);
        Classifier {
            stages,
            hidden: LinearConfig::new(last, self.features).init(device),
            answers: LinearConfig::new(self.features, logit_count()).init(device),
            config: self.clone(),
        }
    }
}

impl Classifier {
    /// Returns the penultimate activations.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, 3, pixels, pixels]`, from −1 to 1
    /// - output: `[batch, features]`
    ///
    /// # Panics
    ///
    /// Panics if the images do not have the classifier's size.
    pub fn features(&self, images: Tensor<4>) -> Tensor<2> {
        let pixels = self.config.pixels;
        let [batch, channels, height, width] = images.dims();
        assert_eq!(
            [channels, height, width],
            [3, pixels, pixels],
            "{batch} images of another size than the classifier's"
        );
        let map = self.stages.iter().fold(images, |x, stage| stage.forward(x));
        silu(self.hidden.forward(map.flatten(1, 3)))
    }

    /// Returns the logits of all heads, `[batch, logits]`, from [`features`](Self::features).
    pub(crate) fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        self.answers.forward(features)
    }

    /// The architecture of the classifier.
    pub fn config(&self) -> &ClassifierConfig {
        &self.config
    }
}

impl Stage {
    fn new(from: usize, to: usize, device: &Device) -> Self {
        let conv = |from, stride| {
            Conv2dConfig::new([from, to], [3, 3])
                .with_stride([stride, stride])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device)
        };
        let norm = || GroupNormConfig::new(8, to).init(device);
        Self { down: conv(from, 2), norm1: norm(), conv: conv(to, 1), norm2: norm() }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = silu(self.norm1.forward(self.down.forward(x)));
        silu(self.norm2.forward(self.conv.forward(x.clone()))) + x
    }
}
