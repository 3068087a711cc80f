use burn::prelude::*;

/// Inputs of the conditional U-Net besides the noisy image and the time.
///
/// More fields may follow: create it with [`new`](Self::new) and add to it with the other methods.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Conditions {
    /// Embeddings of the text: `[batch, tokens, cross_attention_dim]`.
    pub context: Tensor<3>,
    /// Pooled text and sizes, for Stable Diffusion XL.
    pub added: Option<AddedConditions>,
    /// Outputs of control networks, added to the feature maps.
    pub residuals: Option<Residuals>,
    /// Input channels that follow those of the noisy image: `[batch, channels, height, width]`. Masks, images and depths for networks
    /// with more than the latents' channels.
    pub channels: Option<Tensor<4>>,
    /// Whether self-attention in the middle of the network is the identity, for perturbed-attention guidance (Ahn et al. 2024).
    pub perturbed: bool,
}

/// The extra input of Stable Diffusion XL (Podell et al. 2023, section 2.2).
#[derive(Debug, Clone)]
pub struct AddedConditions {
    /// The second text encoder's pooled vector: `[batch, width]`.
    pub text_embeds: Tensor<2>,
    /// For each image, in pixels: original height and width, crop top and left, target height and width. In XL's refiner, an aesthetic
    /// score from 0 to 10 takes the place of the target size.
    pub time_ids: Vec<Vec<f64>>,
}

/// Tensors that a control network adds to the feature maps of a U-Net (Zhang et al. 2023, section 3.2; T2I-Adapters add to
/// some of them).
#[derive(Debug, Clone)]
pub struct Residuals {
    /// One tensor for each skip connection, the first convolution's first, of the same shape
    /// `[batch, channels, height, width]`.
    pub skips: Vec<Tensor<4>>,
    /// The tensor for the middle block's output, of the same shape.
    pub mid: Tensor<4>,
}

impl Conditions {
    /// Creates conditions with a text and nothing else.
    pub fn new(context: Tensor<3>) -> Self {
        Self { context, added: None, residuals: None, channels: None, perturbed: false }
    }

    /// Adds pooled text and sizes.
    pub fn with_added(self, added: AddedConditions) -> Self {
        Self { added: Some(added), ..self }
    }

    /// Adds the outputs of control networks.
    pub fn with_residuals(self, residuals: Residuals) -> Self {
        Self { residuals: Some(residuals), ..self }
    }

    /// Adds input channels.
    pub fn with_channels(self, channels: Tensor<4>) -> Self {
        Self { channels: Some(channels), ..self }
    }

    /// Perturbs the attention for all images of the batch; the network must
    /// [have some in its middle](crate::Unet::has_middle_attention).
    pub fn with_perturbed(self) -> Self {
        Self { perturbed: true, ..self }
    }
}

impl From<Tensor<3>> for Conditions {
    fn from(context: Tensor<3>) -> Self {
        Self::new(context)
    }
}

impl Residuals {
    /// Adds the residuals to the skip connections and to the middle block's output, and returns the latter.
    pub(crate) fn add(&self, middle: Tensor<4>, skips: &mut Vec<Tensor<4>>) -> Tensor<4> {
        let (found, expected) = (self.skips.len(), skips.len());
        assert_eq!(found, expected, "{found} residuals for {expected} skip connections");
        *skips = skips.drain(..).zip(&self.skips).map(|(skip, residual)| skip + residual.clone()).collect();
        middle + self.mid.clone()
    }
}
