use burn::nn::conv::Conv2d;
use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::{Wrap, convolve_within};

use super::block::{Block, convolution};
use super::config::{T2iAdapterConfig, T2iAdapterKind};
use super::pixels::unshuffle;

/// The network that turns a drawing into feature maps for the U-Net (Mou et al. 2023,
/// [arXiv:2302.08453](https://arxiv.org/abs/2302.08453)).
#[derive(Module, Debug)]
pub struct T2iAdapter {
    adapter: Layers,
    #[module(skip)]
    config: T2iAdapterConfig,
    #[module(skip)]
    wrap: Wrap,
}

#[derive(Module, Debug)]
struct Layers {
    conv_in: Option<Conv2d>,
    body: Vec<Block>,
}

impl T2iAdapterConfig {
    /// Creates the network on `device`, with random weights.
    ///
    /// # Panics
    ///
    /// Panics if there are no channels.
    pub fn init(&self, device: &Device) -> T2iAdapter {
        let block = |plan| Block::new(plan, self.num_res_blocks, device);
        let is_light = self.kind == T2iAdapterKind::Light;
        let adapter = Layers {
            conv_in: (!is_light).then(|| convolution(self.unshuffled(), self.channels[0], 3, device)),
            body: self.blocks().iter().map(block).collect(),
        };
        T2iAdapter { adapter, config: self.clone(), wrap: Wrap::default() }
    }
}

impl T2iAdapter {
    /// Computes the feature maps of a drawing, the finest first.
    ///
    /// The U-Net adds the first ones to the last feature map of each level on the way down: before its downsampler if the level
    /// attends to the text, and after it otherwise. XL has one level less, and adds the last one to the middle block's output.
    ///
    /// # Shapes
    ///
    /// - image: `[batch, in_channels, height, width]`, values from 0 to 1, both sides multiples of `downscale_factor`
    /// - outputs: `[batch, channels, rows, columns]` with the config's [`feature_channels`](T2iAdapterConfig::feature_channels). The
    ///   first has `height / downscale_factor` rows. Each that follows has half as many, rounded up; for XL, only the third has, and
    ///   the others have as many as the one before.
    ///
    /// # Panics
    ///
    /// Panics if the image has other channels, or a size that is not a multiple.
    pub fn forward(&self, image: Tensor<4>) -> Vec<Tensor<4>> {
        let [_, channels, height, width] = image.dims();
        let &T2iAdapterConfig { in_channels, downscale_factor: side, .. } = &self.config;
        assert_eq!(channels, in_channels, "channels of the drawing");
        let is_multiple = height.is_multiple_of(side) && width.is_multiple_of(side);
        assert!(is_multiple, "a drawing of {width}×{height}, both of which have to be multiples of {side}");
        let edges = self.wrap.into();
        let x = unshuffle(image, side);
        let mut x = self.adapter.conv_in.iter().fold(x, |x, conv| convolve_within(conv, x, edges));
        let feature = |block: &Block| {
            x = block.forward(x.clone(), edges);
            x.clone()
        };
        self.adapter.body.iter().map(feature).collect()
    }

    /// Returns the network for drawings that continue at the opposite edges: its convolutions read those pixels instead of zeros.
    #[must_use]
    pub fn with_wrap(self, wrap: Wrap) -> Self {
        Self { wrap, ..self }
    }

    /// The precision in which drawings are expected.
    pub fn dtype(&self) -> DType {
        self.adapter.body[0].dtype()
    }

    /// The network's configuration.
    pub fn config(&self) -> &T2iAdapterConfig {
        &self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny(kind: T2iAdapterKind) -> T2iAdapter {
        let full = T2iAdapterConfig { channels: vec![4, 8, 12, 12], num_res_blocks: 1, ..T2iAdapterConfig::full(1) };
        let config = match kind {
            T2iAdapterKind::Full => full,
            T2iAdapterKind::FullXl => T2iAdapterConfig { kind, downscale_factor: 16, ..full },
            T2iAdapterKind::Light => T2iAdapterConfig { kind, channels: vec![4, 8, 12], ..full },
        };
        config.init(&Device::flex())
    }

    fn shapes(adapter: &T2iAdapter, height: usize, width: usize) -> Vec<[usize; 4]> {
        let features = adapter.forward(Tensor::ones([2, 1, height, width], &Device::flex()));
        features.iter().map(Tensor::dims).collect()
    }

    #[test]
    fn each_feature_map_is_half_as_large_and_rounded_up() {
        for kind in [T2iAdapterKind::Full, T2iAdapterKind::Light] {
            let expected = [[2, 4, 5, 8], [2, 8, 3, 4], [2, 12, 2, 2], [2, 12, 1, 1]];
            assert_eq!(shapes(&tiny(kind), 40, 64), expected, "{kind:?}");
        }
    }

    #[test]
    fn only_the_third_feature_map_of_xl_is_smaller() {
        let expected = [[2, 4, 3, 2], [2, 8, 3, 2], [2, 12, 2, 1], [2, 12, 2, 1]];
        assert_eq!(shapes(&tiny(T2iAdapterKind::FullXl), 48, 32), expected);
    }

    #[test]
    #[should_panic(expected = "a drawing of 60×64, both of which have to be multiples of 8")]
    fn a_drawing_is_not_cut() {
        shapes(&tiny(T2iAdapterKind::Full), 64, 60);
    }

    #[test]
    fn a_drawing_moved_around_the_edge_moves_its_features() {
        let device = Device::flex();
        let adapter = tiny(T2iAdapterKind::Full).with_wrap(Wrap { x: true, y: false });
        let image: Tensor<4> = Tensor::random([1, 1, 64, 128], burn::tensor::Distribution::Default, &device);
        let moved = Tensor::cat(vec![image.clone().slice_dim(3, 64..128), image.clone().slice_dim(3, 0..64)], 3);
        for (a, b) in adapter.forward(image).into_iter().zip(adapter.forward(moved)) {
            let half = a.dims()[3] / 2;
            let b = Tensor::cat(vec![b.clone().slice_dim(3, half..2 * half), b.slice_dim(3, 0..half)], 3);
            assert!((a - b).abs().max().into_scalar::<f32>() < 1e-5);
        }
    }
}
