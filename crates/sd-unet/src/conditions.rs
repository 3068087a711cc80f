use burn::prelude::*;

use crate::ImageAttention;

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
    /// Feature maps of adapters, `[batch, channels, height, width]` each: added at the end of the levels on the way down, the finest
    /// first, and to the middle if there is one more (T2I-Adapter: Mou et al. 2023,
    /// [arXiv:2302.08453](https://arxiv.org/abs/2302.08453)). Each has the size and the channels of its level's end, which is behind the
    /// downsampler for levels without attention.
    pub features: Vec<Tensor<4>>,
    /// Images that the cross-attention reads beside the text.
    pub images: Vec<ImageAttention>,
    /// Input channels that follow those of the noisy image: `[batch, channels, height, width]`. Masks, images and depths for networks
    /// with more than the latents' channels.
    pub channels: Option<Tensor<4>>,
    /// The guidance scale, for networks that were [distilled to read it](crate::UnetConfig::time_cond_proj_dim); others ignore it.
    pub guidance: Option<f64>,
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

/// Tensors that a control network adds to the feature maps of a U-Net (Zhang et al. 2023, section 3.2).
#[derive(Debug, Clone)]
pub struct Residuals {
    /// One tensor for each skip connection, the first convolution's first, of the same shape
    /// `[batch, channels, height, width]`, or with 1 for sizes along which all values are the same.
    pub skips: Vec<Tensor<4>>,
    /// The tensor for the middle block's output, of the same shape.
    pub mid: Tensor<4>,
}

impl Conditions {
    /// Creates conditions with a text and nothing else.
    pub fn new(context: Tensor<3>) -> Self {
        Self {
            context,
            added: None,
            residuals: None,
            features: Vec::new(),
            images: Vec::new(),
            channels: None,
            guidance: None,
            perturbed: false,
        }
    }

    /// Adds pooled text and sizes.
    pub fn with_added(self, added: AddedConditions) -> Self {
        Self { added: Some(added), ..self }
    }

    /// Adds the outputs of control networks.
    pub fn with_residuals(self, residuals: Residuals) -> Self {
        Self { residuals: Some(residuals), ..self }
    }

    /// Adds the feature maps of adapters.
    pub fn with_features(self, features: Vec<Tensor<4>>) -> Self {
        Self { features, ..self }
    }

    /// Adds images that the cross-attention reads.
    pub fn with_images(self, images: Vec<ImageAttention>) -> Self {
        Self { images, ..self }
    }

    /// Adds input channels.
    pub fn with_channels(self, channels: Tensor<4>) -> Self {
        Self { channels: Some(channels), ..self }
    }

    /// Adds a guidance scale.
    pub fn with_guidance(self, scale: f64) -> Self {
        Self { guidance: Some(scale), ..self }
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
    /// Multiplies each residual by its factor: one for each skip connection, and the middle's last.
    ///
    /// # Panics
    ///
    /// Panics if the number of factors differs.
    pub fn scaled(self, factors: &[f64]) -> Self {
        let (found, expected) = (factors.len(), self.skips.len() + 1);
        assert_eq!(found, expected, "{found} factors for {expected} residuals");
        let mut factors = factors.iter();
        self.map(|residual| residual * *factors.next().expect("as many factors as residuals"))
    }

    /// Adds those of another network.
    ///
    /// # Panics
    ///
    /// Panics if their numbers or shapes differ.
    pub fn plus(self, other: Self) -> Self {
        let (found, expected) = (other.skips.len(), self.skips.len());
        assert_eq!(found, expected, "{found} residuals of one network and {expected} of another");
        let mut others = other.skips.into_iter().chain([other.mid]);
        self.map(|residual| residual + others.next().expect("as many residuals as here"))
    }

    /// Replaces each residual by its mean over the pixels, `[batch, channels, 1, 1]`, which is added to every pixel. For networks
    /// with [`global_pool_conditions`](crate::ControlNetConfig::global_pool_conditions).
    pub fn pooled(self) -> Self {
        self.map(|residual| residual.mean_dims(&[2, 3]))
    }

    /// Changes each residual, those of the skip connections first.
    fn map(self, mut change: impl FnMut(Tensor<4>) -> Tensor<4>) -> Self {
        Self { skips: self.skips.into_iter().map(&mut change).collect(), mid: change(self.mid) }
    }

    /// Adds the residuals to the first of all `expected` skip connections.
    pub(crate) fn add_to(&self, skips: &mut Vec<Tensor<4>>, expected: usize) {
        let found = self.skips.len();
        assert_eq!(found, expected, "{found} residuals for {expected} skip connections");
        *skips = skips.drain(..).zip(&self.skips).map(|(skip, residual)| skip + residual.clone()).collect();
    }
}
