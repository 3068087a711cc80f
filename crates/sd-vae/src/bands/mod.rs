//! Feature maps of large images as bands of rows, of which only some exist at a time.
//!
//! Nothing is approximated. A band is computed from all rows that its convolutions read, those of its neighbours included, and
//! norms have the moments of the whole map, which are collected before.

mod band;
mod banding;
mod map;
mod rows;
mod stage;

pub use banding::Banding;
pub(crate) use banding::each_image;
pub(crate) use map::Map;
pub(crate) use rows::Rows;
pub(crate) use stage::Stage;
