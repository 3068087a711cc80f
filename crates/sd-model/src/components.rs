//! The networks that draw an image, behind small traits: pipelines can share them, and users can replace them.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::{DType as TensorType, Tensor};
use sd_device::DType;
use sd_ops::Wrap;
use sd_schedule::Process;
use sd_unet::{Conditions, UnconditionalUnet, Unet};
use sd_vae::{Autoencoder, InBands};

use crate::Embeddings;

/// The parts of a loaded model.
///
/// Cloning shares them. Any part may be replaced by one of your own.
#[derive(Debug, Clone)]
pub struct Components {
    /// Turns prompts into embeddings; `None` for models that read no text.
    pub text_encoder: Option<Arc<dyn TextEncoder>>,
    /// Predicts the noise in an image.
    pub backbone: Arc<dyn Backbone>,
    /// Turns latents into images and back; `None` for models that work on pixels.
    pub autoencoder: Option<Arc<dyn Autoencoder>>,
    /// The noise process that the backbone was trained for.
    pub process: Process,
    /// The precision that the networks were loaded in.
    pub dtype: DType,
}

impl Components {
    /// Returns the parts with an autoencoder that works in bands of rows.
    pub fn in_bands(&self) -> Self {
        let autoencoder = self.autoencoder.clone().map(|vae| Arc::new(InBands(vae)) as Arc<dyn Autoencoder>);
        Self { autoencoder, ..self.clone() }
    }

    /// Returns the parts for images that continue at the opposite edges, with the same weights; `None` if a part cannot draw
    /// such images.
    pub fn with_wrap(&self, wrap: Wrap) -> Option<Self> {
        let autoencoder = match &self.autoencoder {
            Some(autoencoder) => Some(autoencoder.with_wrap(wrap)?),
            None => None,
        };
        Some(Self { backbone: self.backbone.with_wrap(wrap)?, autoencoder, ..self.clone() })
    }
}

/// Turns prompts into embeddings, which a backbone reads.
pub trait TextEncoder: Any + Debug + Send + Sync {
    /// Returns one row of embeddings for each prompt; there is at least one prompt.
    fn encode(&self, prompts: &[&str]) -> Embeddings;
}

/// A network that predicts the noise in an image, or whatever its [`Process`] says.
pub trait Backbone: Any + Debug + Send + Sync {
    /// Returns the prediction for noisy images.
    ///
    /// # Shapes
    ///
    /// - x: `[batch, channels, height, width]`, single precision, with noise added as in the network's training
    /// - t: `batch` times, from [`Process::t`]
    /// - conditions: with `batch` rows of text; `None` for models that read no text
    /// - output: the shape of x, single precision
    fn predict(&self, x: Tensor<4>, t: &[f64], conditions: Option<&Conditions>) -> Tensor<4>;

    /// Returns the network, with the same weights, for images that continue at the opposite edges; `None` if it has no such
    /// form.
    fn with_wrap(&self, _wrap: Wrap) -> Option<Arc<dyn Backbone>> {
        None
    }
}

impl Backbone for Unet {
    /// # Panics
    ///
    /// Panics without conditions.
    fn predict(&self, x: Tensor<4>, t: &[f64], conditions: Option<&Conditions>) -> Tensor<4> {
        let conditions = conditions.expect("this network reads a text");
        self.forward(x.cast(self.dtype()), t, conditions).cast(TensorType::F32)
    }

    fn with_wrap(&self, wrap: Wrap) -> Option<Arc<dyn Backbone>> {
        Some(Arc::new(self.clone().with_wrap(wrap)))
    }
}

impl Backbone for UnconditionalUnet {
    fn predict(&self, x: Tensor<4>, t: &[f64], _: Option<&Conditions>) -> Tensor<4> {
        self.forward(x.cast(self.dtype()), t).cast(TensorType::F32)
    }

    fn with_wrap(&self, wrap: Wrap) -> Option<Arc<dyn Backbone>> {
        Some(Arc::new(self.clone().with_wrap(wrap)))
    }
}
