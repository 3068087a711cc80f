//! Training tasks of the parts of Stable Diffusion, of a ControlNet, of adapters, of a new word, of a student with few steps, and of
//! DDPM's network.

mod adapting;
mod autoencoder;
mod buckets;
mod caption_source;
mod controlling;
mod denoising;
mod diffusion;
mod distillation;
mod encoded_captions;
mod encoded_text;
mod inverting;
mod noising;
mod text_to_latents;

pub use adapting::{Adaptation, Adapting, AdaptingBatch};
pub use autoencoder::{Autoencoding, AutoencodingBatch, AutoencodingConfig, Distance};
pub use buckets::Buckets;
pub use controlling::{Controlling, ControllingBatch, Hints};
pub use denoising::{Denoising, DenoisingBatch, DenoisingConfig};
pub use diffusion::{Diffusion, DiffusionBatch, DiffusionConfig};
pub use distillation::{Distillation, DistillationBatch, DistillationConfig};
pub use encoded_text::EncodedText;
pub use inverting::{Inverting, PseudoWord};
pub use text_to_latents::{TextToLatents, token_ids};
