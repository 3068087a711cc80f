#![doc = include_str!("../README.md")]

mod blur;
mod box_blur;
mod composite;
mod containers;
mod crop_region;
mod decode;
mod dimensions;
mod encode;
mod error;
mod fill;
mod filter;
mod fit;
mod format;
mod image;
mod mask;
mod orientation;
mod outpaint;
mod pixels;
mod planes;
mod read;
mod region;
mod resize;
mod serde;
mod sheet;
mod texts;
mod truncated;

pub use self::image::Image;
pub use error::ImageError;
pub use filter::Filter;
pub use fit::Fit;
pub use format::Format;
pub use mask::Mask;
pub use planes::planes;
pub use region::Region;
pub use sheet::sheet;
pub use texts::Texts;
