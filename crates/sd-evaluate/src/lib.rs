//! How well a model of the scenes draws what it is asked for.
//!
//! ```no_run
//! use sd_evaluate::{Classifier, Evaluation, EvaluationConfig, digest, write_report};
//! use sd_pipeline::{DType, Device, Pipeline};
//!
//! let device = Device::default();
//! let (model, judge, output) = ("scenes", "classifier".as_ref(), "evaluation".as_ref());
//! let pipeline = Pipeline::from_folder(model, &device, DType::F32)?;
//! let classifier = Classifier::from_folder(judge, &device)?;
//!
//! let config = EvaluationConfig { captions: 100, samples: 500, ..EvaluationConfig::default() };
//! let evaluation = Evaluation { pipeline: &pipeline, classifier: &classifier, config };
//! let digests = [digest(model.as_ref())?, digest(judge)?];
//! let findings = evaluation.run(output, [&digests[0], &digests[1]], &mut |work| {
//!     println!("{} {}/{}", work.cell, work.done, work.total);
//!     std::ops::ControlFlow::Continue(())
//! })?;
//! write_report(&findings, output)?;
//! # Ok::<(), sd_evaluate::EvaluateError>(())
//! ```
//!
//! # How it is put together
//!
//! A [`Classifier`] reads a picture back into the [`Scene`](sd_scenes::Scene) that it sees. A [`Judgement`] counts how
//! often that has what the caption [tells](sd_scenes::Told), each [`Attribute`] by itself. A [`Gaussian`] is fitted to the
//! classifier's features of many pictures; the Fréchet distance between two of them is how far two sets of pictures are
//! apart. An [`Evaluation`] measures both of [`Pictures`] from three sources, a [`Cell`] at a time, and keeps what it has
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
    Cell, Drawing, Evaluation, EvaluationConfig, Finding, Found, Measure, Pictures, Watch, Work, ceiling, digest,
    digest_of,
};
pub use frechet::Gaussian;
pub use judge::{Attribute, Judgement, Score};
pub use report::write_report;
