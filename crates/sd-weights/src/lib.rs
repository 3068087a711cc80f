#![doc = include_str!("../README.md")]
//!
//! Files are safetensors, GGUF or what `torch.save` writes, under any name. Weights are read and cast one tensor at a time, so a
//! file is never in memory as a whole. A file has to match its network exactly; otherwise it is refused with a list of the
//! keys that are missing, unknown or of another shape. Weights that are not finite are refused too. No other crate knows
//! checkpoint files or the history of their key names.

mod block_view;
mod cast;
pub mod control;
mod detect;
mod draft;
mod error;
mod exists;
mod float8;
mod foreign;
mod form;
mod gguf;
mod in_file;
mod key_match;
mod load;
mod lora;
mod name_table;
mod names;
mod open;
mod panels;
mod parallel;
mod parameters;
mod patch;
mod safetensors_file;
mod save;
mod scaled;
mod shards;
pub mod single_file;
mod source;
mod stored_type;
mod tensor_file;
mod tensor_view;
mod textual_inversion;
mod torch;
mod view;
mod weights;
mod writer;

pub use block_view::quantized;
pub use error::WeightsError;
pub use exists::{is_file, is_folder, weight_files};
pub use form::Form;
pub use in_file::Places;
pub use load::Precision;
pub use lora::{Component, Lora, LoraLayer, LoraNames, LoraReport, LoraTensor, OriginalNames, write_lora};
pub use panels::quantized_panels;
pub use parameters::parameters;
pub use save::save;
pub use sd_files::{
    Destination, FolderLock, make_folder_atomically, remove_leftovers, update_folder_atomically, write_atomically,
};
pub use sd_quant::BlockKind;
pub use stored_type::StoredType;
pub use tensor_file::{read_tensor, write_tensor};
pub use textual_inversion::TextualInversion;
pub use view::View;
pub use weights::{Dtype, Weights};
pub use writer::WeightsWriter;
