use std::sync::Arc;

use burn::tensor::Tensor;
use sd_ops::Wrap;

use crate::{Autoencoder, Encoded};

/// An autoencoder that always works in bands of rows: the same images up to rounding, in less memory and more time.
#[derive(Debug, Clone)]
pub struct InBands(pub Arc<dyn Autoencoder>);

impl Autoencoder for InBands {
    fn encode(&self, image: Tensor<4>) -> Encoded {
        self.0.encode_in_bands(image)
    }

    fn decode(&self, latents: Tensor<4>) -> Tensor<4> {
        self.0.decode_in_bands(latents)
    }

    fn scaling_factor(&self) -> f64 {
        self.0.scaling_factor()
    }

    fn scale_factor(&self) -> usize {
        self.0.scale_factor()
    }

    fn latent_channels(&self) -> usize {
        self.0.latent_channels()
    }

    fn is_random(&self) -> bool {
        self.0.is_random()
    }

    fn has_encoder(&self) -> bool {
        self.0.has_encoder()
    }

    fn with_wrap(&self, wrap: Wrap) -> Option<Arc<dyn Autoencoder>> {
        Some(Arc::new(Self(self.0.with_wrap(wrap)?)))
    }
}
