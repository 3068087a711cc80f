use burn::module::Param;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Embedding, EmbeddingConfig, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::{convolve, normalise_tokens, project, tokens};

use super::ClipVisionConfig;
use crate::layer::{Layer, LayerConfig};

/// A CLIP image encoder: a transformer over the patches of an image (Dosovitskiy et al. 2021,
/// [arXiv:2010.11929](https://arxiv.org/abs/2010.11929); Radford et al. 2021).
///
/// Field names are the checkpoint's.
#[derive(Module, Debug)]
pub struct ClipVision {
    vision_model: VisionModel,
    visual_projection: Option<Linear>,
    #[module(skip)]
    config: ClipVisionConfig,
}

/// The output of [`ClipVision`] for a batch of images. The first token stands for the whole image, the others for its patches,
/// row by row.
#[derive(Debug, Clone)]
pub struct VisionEncoding {
    /// Before the last layer, not normed: `[batch, tokens, hidden_size]`. IP-Adapter's Plus and Full read this.
    pub penultimate: Tensor<3>,
    /// After the last layer, not normed: `[batch, tokens, hidden_size]`.
    pub last: Tensor<3>,
    /// The first token of `last`, normed, and projected where the encoder has a projection:
    /// `[batch, projection_dim or hidden_size]`. The plain IP-Adapters read this.
    pub embeds: Tensor<2>,
}

#[derive(Module, Debug)]
struct VisionModel {
    embeddings: Embeddings,
    // Spelt as in all checkpoints.
    pre_layrnorm: LayerNorm,
    encoder: Encoder,
    post_layernorm: LayerNorm,
}

#[derive(Module, Debug)]
struct Embeddings {
    class_embedding: Param<Tensor<1>>,
    patch_embedding: Conv2d,
    position_embedding: Embedding,
}

#[derive(Module, Debug)]
struct Encoder {
    layers: Vec<Layer>,
}

impl ClipVisionConfig {
    /// Creates the encoder on `device`, with random weights.
    pub fn init(&self, device: &Device) -> ClipVision {
        let norm = || LayerNormConfig::new(self.hidden_size).with_epsilon(self.layer_norm_eps).init(device);
        let layer = LayerConfig {
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_attention_heads: self.num_attention_heads,
            hidden_act: self.hidden_act,
            layer_norm_eps: self.layer_norm_eps,
            is_causal: false,
        };
        let projection = |width| LinearConfig::new(self.hidden_size, width).with_bias(false).init(device);
        ClipVision {
            vision_model: VisionModel {
                embeddings: Embeddings::new(self, device),
                pre_layrnorm: norm(),
                encoder: Encoder { layers: (0..self.num_hidden_layers).map(|_| Layer::new(&layer, device)).collect() },
                post_layernorm: norm(),
            },
            visual_projection: self.projection_dim.map(projection),
            config: self.clone(),
        }
    }
}

impl ClipVision {
    /// Encodes images, which [`ClipVisionConfig::pixels`] prepares. They may be in another precision than the weights.
    ///
    /// # Shapes
    ///
    /// - pixels: `[batch, 3, image_size, image_size]`
    /// - output: see [`VisionEncoding`]
    ///
    /// # Panics
    ///
    /// Panics if the images have another size.
    pub fn forward(&self, pixels: Tensor<4>) -> VisionEncoding {
        let side = self.config.image_size;
        let [_, channels, height, width] = pixels.dims();
        assert_eq!([channels, height, width], [3, side, side], "channels, height and width of the images");
        let model = &self.vision_model;
        let x = model.embeddings.forward(pixels.cast(self.dtype()));
        let (layers, last_layer) = model.encoder.layers.split_at(model.encoder.layers.len() - 1);
        let penultimate = layers.iter().fold(self.normed(&model.pre_layrnorm, x), |x, layer| layer.forward(x));
        let last = last_layer.iter().fold(penultimate.clone(), |x, layer| layer.forward(x));
        let first = last.clone().narrow(1, 0, 1).squeeze_dim::<2>(1);
        let pooled = self.normed(&model.post_layernorm, first);
        let embeds = match &self.visual_projection {
            Some(projection) => project(projection, pooled),
            None => pooled,
        };
        VisionEncoding { penultimate, last, embeds }
    }

    /// Its configuration.
    pub fn config(&self) -> &ClipVisionConfig {
        &self.config
    }

    /// The device of its weights.
    pub fn device(&self) -> Device {
        self.vision_model.embeddings.class_embedding.device()
    }

    /// The precision that it computes in, which is that of its outputs.
    pub fn dtype(&self) -> DType {
        self.vision_model.embeddings.class_embedding.dtype()
    }

    fn normed<const D: usize>(&self, norm: &LayerNorm, x: Tensor<D>) -> Tensor<D> {
        normalise_tokens(norm, self.config.layer_norm_eps, x)
    }
}

impl Embeddings {
    fn new(config: &ClipVisionConfig, device: &Device) -> Self {
        let (width, patch) = (config.hidden_size, config.patch_size);
        Self {
            class_embedding: Initializer::Normal { mean: 0.0, std: 1.0 }.init([width], device),
            patch_embedding: Conv2dConfig::new([3, width], [patch; 2])
                .with_stride([patch; 2])
                .with_bias(false)
                .init(device),
            position_embedding: EmbeddingConfig::new(config.tokens(), width).init(device),
        }
    }

    /// `pixels`: `[batch, 3, image_size, image_size]`; output: `[batch, tokens, hidden_size]`.
    fn forward(&self, pixels: Tensor<4>) -> Tensor<3> {
        let patches = tokens(convolve(&self.patch_embedding, pixels));
        let [batch, _, width] = patches.dims();
        let class = self.class_embedding.val().reshape([1, 1, width]).expand([batch, 1, width]);
        let x = Tensor::cat(vec![class, patches], 1);
        let positions = self.position_embedding.weight.val().cast(x.dtype());
        x + positions.unsqueeze::<3>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny(layers: usize) -> ClipVision {
        let config = ClipVisionConfig {
            hidden_size: 8,
            intermediate_size: 16,
            num_hidden_layers: layers,
            num_attention_heads: 2,
            image_size: 6,
            patch_size: 3,
            projection_dim: None,
            ..ClipVisionConfig::vit_l()
        };
        config.init(&Device::flex())
    }

    fn pixels(batch: usize) -> Tensor<4> {
        Tensor::random([batch, 3, 6, 6], burn::tensor::Distribution::Default, &Device::flex())
    }

    #[test]
    fn a_vector_without_projection_is_as_wide_as_the_tokens() {
        let encoding = tiny(1).forward(pixels(2));
        assert_eq!(encoding.penultimate.dims(), [2, 5, 8]);
        assert_eq!(encoding.embeds.dims(), [2, 8]);
    }

    #[test]
    fn an_image_does_not_depend_on_the_others_of_its_batch() {
        let (encoder, pixels) = (tiny(2), pixels(3));
        let together = encoder.forward(pixels.clone()).last.narrow(0, 1, 1).into_data();
        let alone = encoder.forward(pixels.narrow(0, 1, 1)).last.into_data();
        alone.assert_approx_eq::<f32>(&together, burn::tensor::Tolerance::absolute(1e-5));
    }

    #[test]
    #[should_panic(expected = "channels, height and width of the images")]
    fn an_image_of_another_size_is_refused() {
        tiny(1).forward(Tensor::zeros([1, 3, 9, 6], &Device::flex()));
    }
}
