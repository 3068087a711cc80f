#![doc = include_str!("../README.md")]

mod decode;
mod error;
mod image;
mod mask;
mod orientation;
mod planes;
mod read;
mod truncated;

pub use self::image::Image;
pub use error::ImageError;
pub use mask::Mask;
pub use planes::planes;
