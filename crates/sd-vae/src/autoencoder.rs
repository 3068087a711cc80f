use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::{DType, Tensor};
use sd_ops::Wrap;

use crate::{AutoencoderKl, AutoencoderTiny, Banding, Posterior};

/// An encoded image: a normal distribution of latents, or a single value of them.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// The most likely latents: `[batch, latent_channels, height, width]`.
    pub mean: Tensor<4>,
    /// Their standard deviation, of the same shape; `None` from encoders that give no distribution.
    pub std: Option<Tensor<4>>,
}

impl From<Posterior> for Encoded {
    fn from(posterior: Posterior) -> Self {
        Self { mean: posterior.mean().cast(DType::F32), std: Some(posterior.std().cast(DType::F32)) }
    }
}

/// A codec between images and the latents that a diffusion network works on.
pub trait Autoencoder: Debug + Send + Sync {
    /// Encodes an image.
    ///
    /// # Shapes
    ///
    /// - image: `[batch, 3, height, width]`, from −1 to 1; height and width multiples of the [factor](Self::scale_factor)
    /// - output: latents of `[batch, latent_channels, height/factor, width/factor]`, single precision, as the network sees them
    ///
    /// # Panics
    ///
    /// Panics if there is [no encoder](Self::has_encoder).
    fn encode(&self, image: Tensor<4>) -> Encoded;

    /// Factor by which encoded latents were multiplied, so that their variance is about 1.
    fn scaling_factor(&self) -> f64;

    /// Decodes latents to an image.
    ///
    /// # Shapes
    ///
    /// - latents: `[batch, latent_channels, height, width]`, as the network sees them
    /// - output: `[batch, 3, factor·height, factor·width]`, about −1 to 1, in the precision of the weights
    fn decode(&self, latents: Tensor<4>) -> Tensor<4>;

    /// Returns what [`encode`](Self::encode) returns, up to rounding, in less memory and more time; by default, exactly that.
    ///
    /// # Shapes and panics
    ///
    /// As those of [`encode`](Self::encode).
    fn encode_in_bands(&self, image: Tensor<4>) -> Encoded {
        self.encode(image)
    }

    /// Returns what [`decode`](Self::decode) returns, up to rounding, in less memory and more time; by default, exactly that.
    ///
    /// # Shapes
    ///
    /// As those of [`decode`](Self::decode).
    fn decode_in_bands(&self, latents: Tensor<4>) -> Tensor<4> {
        self.decode(latents)
    }

    /// Pixels per latent, in each direction.
    fn scale_factor(&self) -> usize;

    /// Channels of the latents.
    fn latent_channels(&self) -> usize;

    /// Whether [`encode`](Self::encode) gives a standard deviation.
    fn is_random(&self) -> bool {
        true
    }

    /// Whether images can be encoded: some files have only a decoder.
    fn has_encoder(&self) -> bool {
        true
    }

    /// Returns the autoencoder, with the same weights, for images that continue at the opposite edges; `None` if it has no such
    /// form.
    fn with_wrap(&self, _wrap: Wrap) -> Option<Arc<dyn Autoencoder>> {
        None
    }
}

impl Autoencoder for AutoencoderKl {
    fn encode(&self, image: Tensor<4>) -> Encoded {
        Self::encode(self, image.cast(self.dtype())).into()
    }

    fn scaling_factor(&self) -> f64 {
        self.config().scaling_factor
    }

    fn decode(&self, latents: Tensor<4>) -> Tensor<4> {
        Self::decode(self, latents.cast(self.dtype()))
    }

    fn encode_in_bands(&self, image: Tensor<4>) -> Encoded {
        Self::encode_in_bands(self, image.cast(self.dtype()), Banding::default()).into()
    }

    fn decode_in_bands(&self, latents: Tensor<4>) -> Tensor<4> {
        Self::decode_in_bands(self, latents.cast(self.dtype()), Banding::default())
    }

    fn scale_factor(&self) -> usize {
        self.config().factor()
    }

    fn latent_channels(&self) -> usize {
        self.config().latent_channels
    }

    fn with_wrap(&self, wrap: Wrap) -> Option<Arc<dyn Autoencoder>> {
        Some(Arc::new(self.clone().with_wrap(wrap)))
    }
}

impl Autoencoder for AutoencoderTiny {
    fn encode(&self, image: Tensor<4>) -> Encoded {
        Encoded { mean: Self::encode(self, image.cast(self.dtype())).cast(DType::F32), std: None }
    }

    fn scaling_factor(&self) -> f64 {
        self.config().scaling_factor
    }

    fn decode(&self, latents: Tensor<4>) -> Tensor<4> {
        Self::decode(self, latents.cast(self.dtype()))
    }

    fn encode_in_bands(&self, image: Tensor<4>) -> Encoded {
        let mean = Self::encode_in_bands(self, image.cast(self.dtype()), Banding::default()).cast(DType::F32);
        Encoded { mean, std: None }
    }

    fn decode_in_bands(&self, latents: Tensor<4>) -> Tensor<4> {
        Self::decode_in_bands(self, latents.cast(self.dtype()), Banding::default())
    }

    fn scale_factor(&self) -> usize {
        self.config().factor()
    }

    fn latent_channels(&self) -> usize {
        self.config().latent_channels
    }

    fn is_random(&self) -> bool {
        false
    }

    fn has_encoder(&self) -> bool {
        self.config().has_encoder()
    }

    fn with_wrap(&self, wrap: Wrap) -> Option<Arc<dyn Autoencoder>> {
        Some(Arc::new(self.clone().with_wrap(wrap)))
    }
}
