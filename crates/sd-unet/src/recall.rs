use burn::prelude::*;

/// What a call of a [`Unet`](crate::Unet) takes from an earlier call, and what it keeps for later ones.
///
/// The default takes and keeps nothing.
#[derive(Debug, Clone, Default)]
pub struct Recall {
    /// The deep part of the network.
    pub deep: Deep,
    /// The cross-attention.
    pub text: CrossAttention,
}

/// The deep part of the network: what lies between its first `branch + 1` skip connections (DeepCache: Ma et al. 2023,
/// [arXiv:2312.00858](https://arxiv.org/abs/2312.00858), section 3.3).
///
/// Skip connections are counted from the first convolution's, 0, on the way down. The features are those that the way up joins with the
/// last of the `branch + 1`.
#[derive(Debug, Clone, Default)]
#[allow(clippy::large_enum_variant, reason = "there is one for each call of the network")]
pub enum Deep {
    /// It is computed.
    #[default]
    Compute,
    /// It is computed, and its features are kept.
    Keep {
        /// The last skip connection outside of it.
        branch: usize,
    },
    /// It is not computed: these are its features.
    Take {
        /// The last skip connection outside of it.
        branch: usize,
        /// `[batch, channels, height, width]`, as they were kept.
        features: Tensor<4>,
    },
}

/// The outputs of the cross-attention, one for each of the [`attention_layers`](crate::UnetConfig::attention_layers):
/// `[batch, pixels, channels]` (T-GATE: Zhang et al. 2024, [arXiv:2404.02747](https://arxiv.org/abs/2404.02747), section 4).
#[derive(Debug, Clone, Default)]
pub enum CrossAttention {
    /// They are computed.
    #[default]
    Compute,
    /// They are computed and kept.
    Keep,
    /// They are not computed, and the text is not read: these are the outputs.
    Take(Vec<Tensor<3>>),
}

impl Recall {
    /// Whether it takes and keeps nothing.
    pub fn is_plain(&self) -> bool {
        matches!((&self.deep, &self.text), (Deep::Compute, CrossAttention::Compute))
    }
}

/// What a call kept, as its [`Recall`] says.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Features of the deep part: `[batch, channels, height, width]`.
    pub deep: Option<Tensor<4>>,
    /// Outputs of the cross-attention: `[batch, pixels, channels]` each.
    pub text: Vec<Tensor<3>>,
}
