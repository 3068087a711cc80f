use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::{Wrap, convolve};

use crate::AutoencoderKlConfig;
use crate::bands::{Banding, each_image};
use crate::decoder::Decoder;
use crate::encoder::Encoder;

/// The image codec of latent diffusion, trained with a KL penalty (Rombach et al. 2022).
#[derive(Module, Debug)]
pub struct AutoencoderKl {
    encoder: Encoder,
    decoder: Decoder,
    quant_conv: Option<Conv2d>,
    post_quant_conv: Option<Conv2d>,
    #[module(skip)]
    config: AutoencoderKlConfig,
    #[module(skip)]
    wrap: Wrap,
}

impl AutoencoderKlConfig {
    /// Creates the autoencoder on `device`, with random weights.
    ///
    /// # Panics
    ///
    /// Panics if there are no resolutions, or if `norm_num_groups` does not divide all channels.
    pub fn init(&self, device: &Device) -> AutoencoderKl {
        let conv1x1 = |channels| Conv2dConfig::new([channels, channels], [1, 1]).init(device);
        AutoencoderKl {
            encoder: Encoder::new(self, device),
            decoder: Decoder::new(self, device),
            quant_conv: self.use_quant_conv.then(|| conv1x1(2 * self.latent_channels)),
            post_quant_conv: self.use_post_quant_conv.then(|| conv1x1(self.latent_channels)),
            config: self.clone(),
            wrap: Wrap::default(),
        }
    }
}

impl AutoencoderKl {
    /// Encodes an image as a distribution of latents.
    ///
    /// # Shapes
    ///
    /// - image: `[batch, in_channels, height, width]`, from −1 to 1; height and width multiples of the factor
    /// - output: latents of `[batch, latent_channels, height/factor, width/factor]`, as the U-Net sees them
    pub fn encode(&self, image: Tensor<4>) -> Posterior {
        self.posterior(self.encoder.forward(image, self.wrap))
    }

    /// Returns what [`encode`](Self::encode) returns, up to rounding, in bands of rows: large images need much less memory.
    ///
    /// Images of a batch are encoded one after the other.
    ///
    /// # Shapes
    ///
    /// As those of [`encode`](Self::encode).
    pub fn encode_in_bands(&self, image: Tensor<4>, banding: Banding) -> Posterior {
        self.posterior(each_image(image, |image| self.encoder.forward_in_bands(image, self.wrap, banding)))
    }

    fn posterior(&self, moments: Tensor<4>) -> Posterior {
        let moments = match &self.quant_conv {
            Some(conv) => convolve(conv, moments),
            None => moments,
        };
        let [mean, log_variance] = moments.chunk(2, 1).try_into().expect("two halves");
        Posterior { mean: mean * self.config.scaling_factor, log_variance, scale: self.config.scaling_factor }
    }

    /// Decodes latents to an image.
    ///
    /// # Shapes
    ///
    /// - latents: `[batch, latent_channels, height, width]`, as the U-Net sees them
    /// - output: `[batch, out_channels, factor·height, factor·width]`, about −1 to 1
    pub fn decode(&self, latents: Tensor<4>) -> Tensor<4> {
        self.decoder.forward(self.unscaled(latents), self.wrap)
    }

    /// Returns what [`decode`](Self::decode) returns, up to rounding, in bands of rows: large images need much less memory.
    ///
    /// Norms have the moments of the whole image, and the attention sees all latents. Images of a batch are decoded one after
    /// the other.
    ///
    /// # Shapes
    ///
    /// As those of [`decode`](Self::decode).
    pub fn decode_in_bands(&self, latents: Tensor<4>, banding: Banding) -> Tensor<4> {
        each_image(self.unscaled(latents), |latents| self.decoder.forward_in_bands(latents, self.wrap, banding))
    }

    fn unscaled(&self, latents: Tensor<4>) -> Tensor<4> {
        let latents = latents / self.config.scaling_factor;
        match &self.post_quant_conv {
            Some(conv) => convolve(conv, latents),
            None => latents,
        }
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
    pub fn config(&self) -> &AutoencoderKlConfig {
        &self.config
    }
}

/// Normal distribution of latents.
#[derive(Debug, Clone)]
pub struct Posterior {
    mean: Tensor<4>,
    log_variance: Tensor<4>,
    scale: f64,
}

impl Posterior {
    /// Its mean, `[batch, latent_channels, height, width]`.
    pub fn mean(&self) -> Tensor<4> {
        self.mean.clone()
    }

    /// Its standard deviation, `[batch, latent_channels, height, width]`.
    pub fn std(&self) -> Tensor<4> {
        // The reference's bounds, which keep the standard deviation finite for any encoder.
        (self.log_variance.clone().clamp(-30.0, 20.0) / 2.0).exp() * self.scale
    }
}
