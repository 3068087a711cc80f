#![doc = include_str!("../README.md")]

mod error;
mod image;
mod planes;
mod read;

pub use self::image::Image;
pub use error::ImageError;
pub use planes::planes;
