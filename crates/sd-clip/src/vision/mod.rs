//! CLIP's image encoders.

mod config;
mod encoder;
mod preprocess;

pub use config::ClipVisionConfig;
pub use encoder::{ClipVision, VisionEncoding};
