//! CLIP's tokenizer and text encoders, as Stable Diffusion uses them.
//!
//! ```no_run
//! use burn::tensor::Device;
//! use sd_clip::{ClipTextConfig, Tokenizer};
//!
//! let tokenizer = Tokenizer::from_folder("model/tokenizer".as_ref())?;
//! let prompt = tokenizer.encode("a photograph of an astronaut riding a horse");
//! let encoder = ClipTextConfig::sd1().init(&Device::flex()); // random weights; `sd-weights` loads real ones
//! let text = encoder.forward(&[prompt.ids]);
//! assert_eq!(text.last.dims(), [1, 77, 768]);
//! # Ok::<(), sd_clip::TokenizerError>(())
//! ```
//!
//! Without a backend there is no device: turn one of Burn's on (`burn/flex`), and for the kernels on it `sd-ops/flex`.

mod builtin;
mod config;
mod encoder;
mod error;
mod layer;
mod tokenizer;
mod vocabulary;

pub use builtin::Padding;
pub use config::{Activation, ClipTextConfig};
pub use encoder::{ClipText, TextEncoding};
pub use error::TokenizerError;
pub use tokenizer::{Encoded, Tokenizer};
pub use vocabulary::Vocabulary;
