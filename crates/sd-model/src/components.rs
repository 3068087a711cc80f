//! The networks that draw an image, behind small traits: pipelines can share them, and users can replace them.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::{DType as TensorType, Tensor};
use sd_device::DType;
use sd_ops::Wrap;
use sd_prompt::Text;
use sd_schedule::Process;
use sd_unet::{Conditions, FreeU, Kept, Recall, UnconditionalUnet, Unet};
use sd_vae::{Autoencoder, InBands};

use crate::{Control, Embeddings, ImageAdapter};

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
    /// Control networks, in the order that they were [added](crate::Model::add_control) to the model.
    pub controls: Vec<Arc<Control>>,
    /// IP-Adapters, in the order that they were [added](crate::Model::add_image_adapter) to the model.
    pub image_adapters: Vec<Arc<ImageAdapter>>,
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
        let controls = self.controls.iter().map(|control| Arc::new(control.with_wrap(wrap))).collect();
        Some(Self { backbone: self.backbone.with_wrap(wrap)?, autoencoder, controls, ..self.clone() })
    }
}

/// Turns texts into embeddings, which a backbone reads.
pub trait TextEncoder: Any + Debug + Send + Sync {
    /// Returns the embeddings of each text, in a row of their own: a text of several chunks has more tokens. There is at least one
    /// text.
    ///
    /// `clip_skip` is the layer that is read, counted from the last, 1. Stable Diffusion XL never reads its last layer, so 1 is the
    /// same as 2 there.
    fn encode(&self, texts: &[Text], clip_skip: usize) -> Vec<Embeddings>;
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
    /// - output: the shape of x, or with a learned variance twice as many channels; single precision
    fn predict(&self, x: Tensor<4>, t: &[f64], conditions: Option<&Conditions>) -> Tensor<4>;

    /// Whether the network has attention in its middle, which perturbed conditions and
    /// [`predict_with_attention`](Self::predict_with_attention) need.
    fn has_middle_attention(&self) -> bool {
        false
    }

    /// Returns the prediction, and the attention that each pixel receives in the middle of the network; `None` if it has none.
    ///
    /// # Shapes
    ///
    /// - inputs and prediction: as those of [`predict`](Self::predict)
    /// - attention: `[batch, height, width]` of the network's coarsest level, single precision; 1 in the mean
    fn predict_with_attention(
        &self,
        _x: Tensor<4>,
        _t: &[f64],
        _conditions: Option<&Conditions>,
    ) -> Option<(Tensor<4>, Tensor<3>)> {
        None
    }

    /// Whether [`predict_recalling`](Self::predict_recalling) returns something.
    fn recalls(&self) -> bool {
        false
    }

    /// Returns the prediction of a call that takes parts of an earlier one, or keeps parts for later ones; `None` if the network cannot.
    ///
    /// # Shapes
    ///
    /// - inputs and prediction: as those of [`predict`](Self::predict)
    /// - what is taken and kept: see [`Recall`] and [`Kept`]
    fn predict_recalling(
        &self,
        _x: Tensor<4>,
        _t: &[f64],
        _conditions: Option<&Conditions>,
        _recall: Recall,
    ) -> Option<(Tensor<4>, Kept)> {
        None
    }

    /// Returns the network, with the same weights, for images that continue at the opposite edges; `None` if it has no such
    /// form.
    fn with_wrap(&self, _wrap: Wrap) -> Option<Arc<dyn Backbone>> {
        None
    }

    /// Returns the network, with the same weights, with [merged tokens](Unet::with_merged_tokens); `None` if it has no such form.
    fn with_merged_tokens(&self, _ratio: f64) -> Option<Arc<dyn Backbone>> {
        None
    }

    /// Returns the network, with the same weights, with [`FreeU`]; `None` if it has no such form.
    fn with_freeu(&self, _freeu: FreeU) -> Option<Arc<dyn Backbone>> {
        None
    }
}

/// What the conditional network panics with.
const NO_TEXT: &str = "this network reads a text";

impl Backbone for Unet {
    /// # Panics
    ///
    /// Panics without conditions.
    fn predict(&self, x: Tensor<4>, t: &[f64], conditions: Option<&Conditions>) -> Tensor<4> {
        let conditions = conditions.expect(NO_TEXT);
        self.forward(x.cast(self.dtype()), t, conditions).cast(TensorType::F32)
    }

    fn has_middle_attention(&self) -> bool {
        self.has_middle_attention()
    }

    /// # Panics
    ///
    /// Panics without conditions.
    fn predict_with_attention(
        &self,
        x: Tensor<4>,
        t: &[f64],
        conditions: Option<&Conditions>,
    ) -> Option<(Tensor<4>, Tensor<3>)> {
        let conditions = conditions.expect(NO_TEXT);
        let predict = || self.forward_with_attention(x.cast(self.dtype()), t, conditions);
        self.has_middle_attention().then(predict).map(|(out, map)| (out.cast(TensorType::F32), map))
    }

    fn with_wrap(&self, wrap: Wrap) -> Option<Arc<dyn Backbone>> {
        Some(Arc::new(self.clone().with_wrap(wrap)))
    }

    fn recalls(&self) -> bool {
        true
    }

    /// # Panics
    ///
    /// Panics without conditions.
    fn predict_recalling(
        &self,
        x: Tensor<4>,
        t: &[f64],
        conditions: Option<&Conditions>,
        recall: Recall,
    ) -> Option<(Tensor<4>, Kept)> {
        let conditions = conditions.expect(NO_TEXT);
        let (out, kept) = self.forward_recalling(x.cast(self.dtype()), t, conditions, recall);
        Some((out.cast(TensorType::F32), kept))
    }

    fn with_merged_tokens(&self, ratio: f64) -> Option<Arc<dyn Backbone>> {
        Some(Arc::new(self.clone().with_merged_tokens(ratio)))
    }

    fn with_freeu(&self, freeu: FreeU) -> Option<Arc<dyn Backbone>> {
        Some(Arc::new(self.clone().with_freeu(freeu)))
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
