//! The network with its texts and its guidance, as a denoiser.

mod caller;
mod calls;
mod denoiser;
mod image_masks;
mod memory;
mod steering;
mod texts;

pub(crate) use self::calls::Inputs;
pub(crate) use self::denoiser::Guided;
pub(crate) use self::steering::Steering;
pub(crate) use self::texts::{GivenEmbeddings, Texts};
