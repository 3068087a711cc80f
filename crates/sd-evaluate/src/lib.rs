#![doc = include_str!("../README.md")]
//!
//! # Structure
//!
//! A [`Classifier`] reads an image back into the [`Scene`](sd_scenes::Scene) that it shows. A [`Judgement`] counts how
//! often that scene agrees with the [facts](sd_scenes::CaptionFacts) in the caption, for each [`Attribute`]. A
//! [`Gaussian`] is fitted to the classifier's features of many images; the Fréchet distance between two of them says how
//! far apart two sets of images are. An [`Evaluation`] makes both kinds of [`Measurement`] on [`Images`] from three
//! sources, and keeps the results in a folder.
//!
//! The classifier itself errs: its scores of renders are those of a perfect model.

mod classifier;
mod error;
mod evaluation;
mod frechet;
mod judge;
mod report;

pub use classifier::{Classifier, ClassifierConfig, Reading, TrainingConfig};
pub use error::EvaluateError;
pub use evaluation::{
    Drawing, Evaluation, EvaluationConfig, Finding, Found, Images, Measurement, Metric, Watch, Work, ceiling, digest,
    digest_files,
};
pub use frechet::Gaussian;
pub use judge::{Attribute, EdgeScore, Judgement, Score};
pub use report::write_report;
pub use sd_scenes::Style;
