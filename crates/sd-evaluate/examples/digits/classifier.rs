//! A small network that reads digits; its penultimate features say how far sets of images are apart.

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, GroupNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::prelude::*;
use burn::tensor::activation::silu;
use sd_pipeline::Image;

use crate::digits::{Digits, PIXELS, brightness};

/// Features of an image. The fewer, the fewer images a Fréchet distance needs.
pub const FEATURES: usize = 16;

/// Channels of each stage.
const CHANNELS: [usize; 3] = [16, 32, 64];

/// Images that are read at once.
const BATCH: usize = 100;

/// Three convolutions, each of which halves width and height, and two linear layers.
#[derive(Module, Debug)]
pub struct Classifier {
    stages: Vec<Stage>,
    hidden: Linear,
    answer: Linear,
}

#[derive(Module, Debug)]
struct Stage {
    conv: Conv2d,
    norm: GroupNorm,
}

/// What the classifier sees in an image.
pub struct Reading {
    pub digit: usize,
    pub features: Vec<f32>,
}

impl Classifier {
    pub fn new(device: &Device) -> Self {
        let from = [1].into_iter().chain(CHANNELS);
        let last = CHANNELS[2] * (PIXELS >> CHANNELS.len()).pow(2);
        Self {
            stages: from.zip(CHANNELS).map(|(from, to)| Stage::new(from, to, device)).collect(),
            hidden: LinearConfig::new(last, FEATURES).init(device),
            answer: LinearConfig::new(FEATURES, 10).init(device),
        }
    }

    /// The features of brightnesses, `[batch, 1, 32, 32]` to `[batch, features]`.
    fn features(&self, x: Tensor<4>) -> Tensor<2> {
        let map = self.stages.iter().fold(x, |x, stage| silu(stage.norm.forward(stage.conv.forward(x))));
        silu(self.hidden.forward(map.flatten(1, 3)))
    }

    /// The logits of the ten digits, `[batch, 1, 32, 32]` to `[batch, 10]`.
    pub fn logits(&self, x: Tensor<4>) -> Tensor<2> {
        self.answer.forward(self.features(x))
    }

    /// The share of digits that it reads right.
    pub fn accuracy(&self, digits: &Digits) -> f64 {
        let read = self.read(&digits.images);
        let right = read.iter().zip(&digits.labels).filter(|(reading, label)| reading.digit == **label);
        right.count() as f64 / digits.labels.len() as f64
    }

    /// Reads images of 32×32 pixels.
    pub fn read(&self, images: &[Image]) -> Vec<Reading> {
        let host = |x: Tensor<2>| x.into_data().iter::<f32>().collect::<Vec<f32>>();
        let batch = |images: &[Image]| {
            let x = tensor(images.iter().flat_map(brightness).collect(), &self.devices()[0]);
            let features = self.features(x);
            let (logits, features) = (host(self.answer.forward(features.clone())), host(features));
            let rows = logits.chunks(10).zip(features.chunks(FEATURES)).map(|(logits, features)| {
                let digit = (0..10).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).expect("ten of them");
                Reading { digit, features: features.to_vec() }
            });
            rows.collect::<Vec<_>>()
        };
        images.chunks(BATCH).flat_map(batch).collect()
    }
}

impl Stage {
    fn new(from: usize, to: usize, device: &Device) -> Self {
        let conv = Conv2dConfig::new([from, to], [3, 3])
            .with_stride([2, 2])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .init(device);
        Self { conv, norm: GroupNormConfig::new(8, to).init(device) }
    }
}

/// Brightnesses of some images as a tensor, `[batch, 1, 32, 32]`.
pub fn tensor(values: Vec<f32>, device: &Device) -> Tensor<4> {
    let shape = [values.len() / PIXELS.pow(2), 1, PIXELS, PIXELS];
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_read_the_same_alone_and_among_others() {
        let classifier = sd_train::initialise(Classifier::new(&Device::flex()), 1);
        let image = |i: usize| Image {
            width: PIXELS,
            height: PIXELS,
            rgb: (0..3 * PIXELS.pow(2)).map(|at| (at * (7 + i)) as u8).collect(),
        };
        let images = [0, 1, 2].map(image);
        for (image, among) in images.iter().zip(classifier.read(&images)) {
            let alone = &classifier.read(std::slice::from_ref(image))[0];
            assert_eq!(alone.digit, among.digit);
            assert!(alone.features.iter().zip(&among.features).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }
}
