//! How well a model of the scenes draws what it is asked for.

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
};
pub use frechet::Gaussian;
pub use judge::{Attribute, Judgement, Score};
pub use report::write_report;
