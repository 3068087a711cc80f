use burn::prelude::*;
use burn::tensor::DType;

use super::config::ImageAdapterConfig;
use super::keys_values::KeysValues;
use super::projection::Projection;

/// An IP-Adapter: from what CLIP's vision tower saw in images to keys and values for the U-Net (Ye et al. 2023,
/// [arXiv:2308.06721](https://arxiv.org/abs/2308.06721)).
#[derive(Module, Debug)]
pub struct ImageAdapter {
    image_proj: Projection,
    ip_adapter: KeysValues,
    #[module(skip)]
    config: ImageAdapterConfig,
}

impl ImageAdapterConfig {
    /// Creates the network on `device`, with random weights.
    ///
    /// # Panics
    ///
    /// Panics unless the counts of layers are those of the channels.
    pub fn init(&self, device: &Device) -> ImageAdapter {
        ImageAdapter {
            image_proj: self.projection.init(device),
            ip_adapter: self.keys_values.init(device),
            config: self.clone(),
        }
    }
}

impl ImageAdapter {
    /// Returns the tokens of one prompt with one image or several, whose tokens follow each other.
    ///
    /// The negative side needs as many tokens: give it the states of as many images. What they are depends on the kind; see
    /// [`ImageStates`](crate::ImageStates).
    ///
    /// # Shapes
    ///
    /// - states: `[images, states, image_width]`; see [`Projection::forward`]
    /// - output: `[1, images·tokens, token_width]`
    ///
    /// # Panics
    ///
    /// As [`Projection::forward`].
    pub fn tokens(&self, states: Tensor<3>) -> Tensor<3> {
        let tokens = self.image_proj.forward(states);
        let [images, count, width] = tokens.dims();
        tokens.reshape([1, images * count, width])
    }

    /// Returns the keys and values for each cross-attention layer, in the order in which the U-Net runs them: down, middle, up.
    ///
    /// # Shapes and panics
    ///
    /// Those of [`KeysValues::forward`].
    pub fn keys_values(&self, tokens: Tensor<3>) -> Vec<(Tensor<3>, Tensor<3>)> {
        self.ip_adapter.forward(tokens)
    }

    /// The precision in which states are expected.
    pub fn dtype(&self) -> DType {
        self.image_proj.dtype()
    }

    /// The network's configuration.
    pub fn config(&self) -> &ImageAdapterConfig {
        &self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FullProjectionConfig, ImageProjectionConfig, ImageStates, KeysValuesConfig, LayerCounts, ProjectionConfig,
        ResamplerConfig,
    };

    const PLAIN: ProjectionConfig =
        ProjectionConfig::Plain(ImageProjectionConfig { image_width: 6, token_width: 8, tokens: 3 });
    const PLUS: ProjectionConfig = ProjectionConfig::Plus(ResamplerConfig {
        image_width: 6,
        width: 10,
        token_width: 8,
        tokens: 4,
        layers: 2,
        heads: 1,
    });
    const FULL: ProjectionConfig = ProjectionConfig::Full(FullProjectionConfig { image_width: 6, token_width: 8 });

    fn adapter(projection: ProjectionConfig) -> ImageAdapter {
        let counts = LayerCounts { down: 1, middle: 1, up: 2 };
        let keys_values = KeysValuesConfig { token_width: 8, channels: vec![2, 4, 3, 5], counts };
        ImageAdapterConfig { projection, keys_values }.init(&Device::flex())
    }

    fn states(images: usize, states: usize) -> Tensor<3> {
        Tensor::random([images, states, 6], burn::tensor::Distribution::Default, &Device::flex())
    }

    #[test]
    fn keys_and_values_are_in_the_order_of_the_u_net() {
        let layers = adapter(PLAIN).keys_values(Tensor::ones([2, 7, 8], &Device::flex()));
        let shapes: Vec<_> = layers.into_iter().map(|(key, value)| [key.dims(), value.dims()]).collect();
        assert_eq!(shapes, [2, 5, 4, 3].map(|channels| [[2, 7, channels]; 2]));
    }

    #[test]
    fn the_tokens_of_several_images_follow_each_other() {
        for (projection, tokens) in [(PLAIN, 3), (PLUS, 4), (FULL, 5)] {
            let count = if projection.reads() == ImageStates::Embedding { 1 } else { 5 };
            let (adapter, images) = (adapter(projection), states(3, count));
            let all = adapter.tokens(images.clone());
            assert_eq!(all.dims(), [1, 3 * tokens, 8], "{projection:?}");
            let each = (0..3).map(|i| adapter.tokens(images.clone().slice_dim(0, i..i + 1))).collect();
            assert!((all - Tensor::cat(each, 1)).abs().max().into_scalar::<f32>() < 1e-6, "{projection:?}");
        }
    }

    #[test]
    fn a_resampler_knows_no_order_of_the_states_and_a_full_projection_keeps_it() {
        let images = states(1, 5);
        let moved = Tensor::cat(vec![images.clone().slice_dim(1, 2..5), images.clone().slice_dim(1, 0..2)], 1);
        let distance = |a: Tensor<3>, b: Tensor<3>| (a - b).abs().max().into_scalar::<f32>();
        let plus = adapter(PLUS);
        assert!(distance(plus.tokens(images.clone()), plus.tokens(moved.clone())) < 1e-5);
        let full = adapter(FULL);
        let tokens = full.tokens(images);
        let expected = Tensor::cat(vec![tokens.clone().slice_dim(1, 2..5), tokens.slice_dim(1, 0..2)], 1);
        assert!(distance(full.tokens(moved), expected) < 1e-6);
    }

    #[test]
    #[should_panic(expected = "a plain IP-Adapter reads 1 embedding of an image, not 5 states")]
    fn a_plain_projection_reads_no_states() {
        adapter(PLAIN).tokens(states(1, 5));
    }

    #[test]
    #[should_panic(expected = "channels of 4 layers for a U-Net with 3")]
    fn counts_of_another_u_net_are_refused() {
        let counts = LayerCounts { down: 1, middle: 1, up: 1 };
        let keys_values = KeysValuesConfig { token_width: 8, channels: vec![2, 4, 3, 5], counts };
        keys_values.init(&Device::flex());
    }
}
