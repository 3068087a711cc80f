use burn::tensor::Tensor;

use crate::{Part, Region};

/// What a prediction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The negative prompt (with a perpendicular negative prompt the empty one), and zeros for the image of an InstructPix2Pix model.
    WithoutImage,
    /// The empty prompt.
    Empty,
    /// The negative prompt.
    Negative,
    /// The prompt.
    Prompt,
    /// The prompt's first part, by a network whose chosen self-attentions see each place alone (Ahn et al. 2024).
    Perturbed,
    /// The negative prompt if it is among the roles, else the prompt's first part, for an image that is [degraded](crate::degrade) where
    /// that prediction paid attention.
    Degraded,
}

impl Role {
    pub(crate) const ALL: [Self; 6] =
        [Self::WithoutImage, Self::Empty, Self::Negative, Self::Prompt, Self::Perturbed, Self::Degraded];
}

/// Raw predictions of a network for the same noisy images, each `[images, channels, height, width]`: those that
/// [`roles`](crate::Guidance::roles) names.
#[derive(Debug, Clone)]
pub struct Predictions {
    /// For [`Role::WithoutImage`].
    pub without_image: Option<Tensor<4>>,
    /// For [`Role::Empty`].
    pub empty: Option<Tensor<4>>,
    /// For [`Role::Negative`].
    pub negative: Option<Tensor<4>>,
    /// For [`Role::Prompt`]: the parts of the prompt, one at least.
    pub prompt: Vec<Part>,
    /// For [`Role::Prompt`]: the regions that have prompts of their own.
    pub regions: Vec<Region>,
    /// For [`Role::Perturbed`].
    pub perturbed: Option<Tensor<4>>,
    /// For [`Role::Degraded`].
    pub degraded: Option<Tensor<4>>,
}

impl Predictions {
    /// The predictions for a prompt alone, of weight 1; give the others their fields.
    pub fn of_prompt(prediction: Tensor<4>) -> Self {
        Self {
            without_image: None,
            empty: None,
            negative: None,
            prompt: vec![Part { prediction, weight: 1.0 }],
            regions: Vec::new(),
            perturbed: None,
            degraded: None,
        }
    }
}
