//! The images that a model is trained on, and their captions.

mod captions;
mod class;
mod conditions;
mod dataset;
mod files;
mod folder;
mod framing;
mod identity;
mod named_folder;
mod partners;
mod scenes;
mod shape;
mod source;

pub(crate) use class::count_images;
pub use dataset::Dataset;
pub(crate) use identity::Identity;
pub(crate) use shape::Shape;
