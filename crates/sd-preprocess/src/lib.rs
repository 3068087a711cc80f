#![doc = include_str!("../README.md")]

mod area;
mod canny;
mod catalogue;
mod colour_grid;
mod difference;
mod error;
mod gaussian;
mod gradient;
mod hint;
mod lineart;
mod network;
mod pixelwise;
mod preprocessor;
mod recolour;
mod scribble;
mod smooth;
mod text;
mod tile;

pub use catalogue::Entry;
pub use error::PreprocessError;
pub use hint::HintImage;
pub use preprocessor::Preprocessor;
