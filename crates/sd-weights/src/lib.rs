#![doc = include_str!("../README.md")]
//!
//! Files are safetensors or what `torch.save` wrote, whatever they are called. Weights are read and cast one tensor at a
//! time, so that a file is never in memory as a whole. A file fits its network exactly or is refused with a list of what
//! is missing, left over or of another shape, and weights that are not finite numbers are refused too. This is the only
//! crate that knows checkpoint files and the history of their key names.

mod atomic;
mod cast;
mod destination;
mod draft;
mod error;
mod fit;
mod float8;
mod folder_lock;
mod foreign;
mod format;
mod load;
mod lora;
mod names;
mod partial;
mod parts;
mod place;
mod safetensors_file;
mod save;
mod scaled;
mod shards;
pub mod single_file;
mod source;
mod tensor_file;
mod textual_inversion;
mod there;
mod torch;
mod weights;

pub use atomic::{make_folder_atomically, update_folder_atomically, write_atomically};
pub use destination::Destination;
pub use draft::Draft;
pub use error::WeightsError;
pub use folder_lock::FolderLock;
pub use load::{Precision, parameters};
pub use lora::{Component, Lora, LoraReport};
pub use partial::remove_leftovers;
pub use save::save;
pub use tensor_file::{read_tensor, write_tensor};
pub use textual_inversion::TextualInversion;
pub use there::{is_file, is_folder};
pub use weights::{Dtype, View, Weights};
