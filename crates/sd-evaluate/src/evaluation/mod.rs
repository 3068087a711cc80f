//! The measurements of a model, and the folder that keeps them.

mod ceiling;
mod config;
mod digest;
mod images;
mod measurement;
mod run;
mod store;

pub use ceiling::ceiling;
pub use config::EvaluationConfig;
pub use digest::{digest, digest_files};
pub use images::{Drawing, Images};
pub use measurement::{Finding, Found, Measurement, Metric};
pub use run::{Evaluation, Watch, Work};
