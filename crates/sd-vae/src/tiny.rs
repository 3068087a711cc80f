use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::Wrap;

use crate::bands::{Banding, each_image};
use crate::layers::{Layer, Layers};

/// Configuration of an [`AutoencoderTiny`], with the names of the checkpoint's `config.json`.
#[derive(Config, Debug, PartialEq)]
pub struct AutoencoderTinyConfig {
    /// Channels of each resolution of the encoder, the finest first; empty if there is only a decoder.
    pub encoder_block_out_channels: Vec<usize>,
    /// Channels of each resolution of the decoder, the coarsest first.
    pub decoder_block_out_channels: Vec<usize>,
    /// Residual blocks per resolution of the encoder; empty if there is only a decoder.
    pub num_encoder_blocks: Vec<usize>,
    /// Residual blocks per resolution of the decoder.
    pub num_decoder_blocks: Vec<usize>,
    /// Channels of the latents.
    pub latent_channels: usize,
    /// Multiplies latents after encoding; published encoders produce latents as the U-Net reads them.
    pub scaling_factor: f64,
}

impl AutoencoderTinyConfig {
    /// TAESD, for Stable Diffusion 1.x and 2.x, and TAESDXL.
    pub fn taesd() -> Self {
        Self {
            encoder_block_out_channels: vec![64; 4],
            decoder_block_out_channels: vec![64; 4],
            num_encoder_blocks: vec![1, 3, 3, 3],
            num_decoder_blocks: vec![3, 3, 3, 1],
            latent_channels: 4,
            scaling_factor: 1.0,
        }
    }

    /// Returns the configuration without its encoder: drawing needs only the decoder.
    #[must_use]
    pub fn without_encoder(&self) -> Self {
        Self { encoder_block_out_channels: Vec::new(), num_encoder_blocks: Vec::new(), ..self.clone() }
    }

    /// Whether there is an encoder.
    pub fn has_encoder(&self) -> bool {
        !self.num_encoder_blocks.is_empty()
    }

    /// Width and height of a latent in pixels.
    pub fn factor(&self) -> usize {
        1 << (self.num_decoder_blocks.len() - 1)
    }

    /// Creates the autoencoder on `device`, with random weights.
    ///
    /// # Panics
    ///
    /// Panics if the decoder has no resolutions, or if lists of channels and of blocks differ in length.
    pub fn init(&self, device: &Device) -> AutoencoderTiny {
        let encoder = self.has_encoder().then(|| self.encoder(device));
        AutoencoderTiny { encoder, decoder: self.decoder(device), config: self.clone(), wrap: Wrap::default() }
    }

    fn encoder(&self, device: &Device) -> Layers {
        let channels = &self.encoder_block_out_channels;
        assert_eq!(channels.len(), self.num_encoder_blocks.len(), "channels and numbers of blocks");
        let mut layers = Vec::new();
        for (i, (&channels, &blocks)) in channels.iter().zip(&self.num_encoder_blocks).enumerate() {
            layers.push(match i {
                0 => Layer::conv(3, channels, 1, true, device),
                _ => Layer::conv(channels, channels, 2, false, device),
            });
            layers.extend((0..blocks).map(|_| Layer::block(channels, device)));
        }
        let last = *channels.last().expect("an autoencoder has resolutions");
        layers.push(Layer::conv(last, self.latent_channels, 1, true, device));
        Layers::new(layers)
    }

    fn decoder(&self, device: &Device) -> Layers {
        let channels = &self.decoder_block_out_channels;
        assert_eq!(channels.len(), self.num_decoder_blocks.len(), "channels and numbers of blocks");
        let mut layers = vec![Layer::conv(self.latent_channels, channels[0], 1, true, device), Layer::relu()];
        for (i, (&from, &blocks)) in channels.iter().zip(&self.num_decoder_blocks).enumerate() {
            layers.extend((0..blocks).map(|_| Layer::block(from, device)));
            if i + 1 < channels.len() {
                layers.push(Layer::upsample());
                layers.push(Layer::conv(from, from, 1, false, device));
            } else {
                layers.push(Layer::conv(from, 3, 1, true, device));
            }
        }
        Layers::new(layers)
    }
}

/// A small autoencoder without norms and attention, trained to imitate the large one (TAESD): nearly as good, and many times
/// as fast.
#[derive(Module, Debug)]
pub struct AutoencoderTiny {
    encoder: Option<Layers>,
    decoder: Layers,
    #[module(skip)]
    config: AutoencoderTinyConfig,
    #[module(skip)]
    wrap: Wrap,
}

impl AutoencoderTiny {
    /// Encodes an image as latents.
    ///
    /// # Shapes
    ///
    /// - image: `[batch, 3, height, width]`, from −1 to 1; height and width multiples of the factor
    /// - output: `[batch, latent_channels, height/factor, width/factor]`, as the U-Net sees them
    ///
    /// # Panics
    ///
    /// Panics if there is [no encoder](AutoencoderTinyConfig::has_encoder).
    pub fn encode(&self, image: Tensor<4>) -> Tensor<4> {
        self.encoder().forward((image + 1.0) / 2.0, self.wrap) * self.config.scaling_factor
    }

    /// Returns what [`encode`](Self::encode) returns, in bands of rows: large images need less memory.
    ///
    /// # Shapes and panics
    ///
    /// As those of [`encode`](Self::encode).
    pub fn encode_in_bands(&self, image: Tensor<4>, banding: Banding) -> Tensor<4> {
        each_image((image + 1.0) / 2.0, |x| self.encoder().forward_in_bands(x, self.wrap, banding))
            * self.config.scaling_factor
    }

    fn encoder(&self) -> &Layers {
        self.encoder.as_ref().expect("an autoencoder with an encoder")
    }

    /// Decodes latents to an image.
    ///
    /// # Shapes
    ///
    /// - latents: `[batch, latent_channels, height, width]`, as the U-Net sees them
    /// - output: `[batch, 3, factor·height, factor·width]`, about −1 to 1
    pub fn decode(&self, latents: Tensor<4>) -> Tensor<4> {
        self.decoder.forward(self.clamped(latents), self.wrap) * 2.0 - 1.0
    }

    /// Returns what [`decode`](Self::decode) returns, in bands of rows: large images need less memory.
    ///
    /// # Shapes
    ///
    /// As those of [`decode`](Self::decode).
    pub fn decode_in_bands(&self, latents: Tensor<4>, banding: Banding) -> Tensor<4> {
        each_image(self.clamped(latents), |x| self.decoder.forward_in_bands(x, self.wrap, banding)) * 2.0 - 1.0
    }

    /// A soft clamp to ±3: beyond it there is nothing to learn from.
    fn clamped(&self, latents: Tensor<4>) -> Tensor<4> {
        (latents / (3.0 * self.config.scaling_factor)).tanh() * 3.0
    }

    /// Returns the autoencoder for images that continue at the opposite edges: its convolutions read those pixels instead of
    /// zeros.
    #[must_use]
    pub fn with_wrap(self, wrap: Wrap) -> Self {
        Self { wrap, ..self }
    }

    /// The precision of the weights, in which images and latents are expected.
    pub fn dtype(&self) -> DType {
        self.decoder.dtype()
    }

    /// The autoencoder's configuration.
    pub fn config(&self) -> &AutoencoderTinyConfig {
        &self.config
    }
}
