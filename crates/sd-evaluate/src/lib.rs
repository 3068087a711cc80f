#![doc = include_str!("../README.md")]
//!
//! # How it is put together
//!
//! A [`Classifier`] reads an image back into the [`Scene`](sd_scenes::Scene) that it sees. A [`Judgement`] counts how
//! often that has what the caption [tells](sd_scenes::Told), each [`Attribute`] by itself. A [`Gaussian`] is fitted to the
//! classifier's features of many images; the Fréchet distance between two of them is how far two sets of images are
//! apart. An [`Evaluation`] measures both of [`Images`] from three sources, a [`Cell`] at a time, and keeps what it has
//! found in a folder.
//!
//! The classifier itself errs: what it says of renders is what a perfect model would be given.

mod classifier;
mod error;
mod evaluation;
mod frechet;
mod judge;
mod report;

pub use classifier::{Classifier, ClassifierConfig, Reading, TrainingConfig};
pub use error::EvaluateError;
pub use evaluation::{
    Cell, Drawing, Evaluation, EvaluationConfig, Finding, Found, Images, Measure, Watch, Work, ceiling, digest,
    digest_of,
};
pub use frechet::Gaussian;
pub use judge::{Attribute, Judgement, Score};
pub use report::write_report;
