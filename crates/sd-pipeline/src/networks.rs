use burn::tensor::{DType, Tensor};
use sd_clip::ClipText;
use sd_unet::{UnconditionalUnet, Unet};

use crate::guidance::predict;
use crate::prompt::Conditions;
use crate::vae::Vae;
use crate::{Error, Model, Request};

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

/// What is predicted of a variance-preserving picture at a timestep, single precision in and out.
pub(crate) type Prediction<'a> = Box<dyn Fn(Tensor<4>, f64) -> Tensor<4> + 'a>;

impl Networks {
    /// What the U-Net says, for requests that `model` has checked, and that share all but their prompts.
    pub fn prediction(&self, requests: &[Request], model: &Model) -> Result<Prediction<'_>, Error> {
        Ok(match self {
            Self::Text(networks) => {
                let conditions = Conditions::of(requests, model, networks)?;
                let guidance = requests[0].guidance(model)?;
                Box::new(move |x, t| predict(&networks.unet, &conditions, guidance, x, t))
            }
            Self::Unconditional(unet) => Box::new(|x, t| {
                let t = vec![t; x.dims()[0]];
                unet.forward(x.cast(unet.dtype()), &t).cast(DType::F32)
            }),
        })
    }

    /// The picture that finished latents stand for, from −1 to 1; pixels stand for themselves.
    pub fn decode(&self, latents: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Text(networks) => networks.vae.decode(latents),
            Self::Unconditional(_) => latents,
        }
    }
}
