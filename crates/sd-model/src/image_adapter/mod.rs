//! IP-Adapters: opened with the image encoder that they read, compared with the model that they are added to, and loaded.

mod add;
mod encoder;
mod file;
mod load;
mod prompt;

pub use file::{ImageAdapterFile, ImageAdapterKind, ImageAdapterSummary};
pub(crate) use load::Encoders;
pub use load::ImageAdapter;
pub use prompt::ImageTokens;
