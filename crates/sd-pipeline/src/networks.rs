use burn::tensor::Tensor;
use sd_clip::ClipText;
use sd_unet::{UnconditionalUnet, Unet};

use crate::vae::Vae;

/// The networks of a model, loaded.
#[derive(Debug)]
pub(crate) enum Networks {
    /// Of one that draws from text.
    Text(Box<TextNetworks>),
    /// Of one that draws from noise alone.
    Unconditional(Box<UnconditionalUnet>),
}

/// The networks of a model that draws from text.
#[derive(Debug)]
pub(crate) struct TextNetworks {
    pub text: Vec<ClipText>,
    pub unet: Unet,
    pub vae: Vae,
}

impl Networks {
    /// The image that finished latents stand for, from −1 to 1; pixels stand for themselves.
    pub fn decode(&self, latents: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Text(networks) => networks.vae.decode(latents),
            Self::Unconditional(_) => latents,
        }
    }
}
