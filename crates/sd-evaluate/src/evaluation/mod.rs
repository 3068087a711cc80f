//! What is measured of a model, and the folder where it is kept.

mod ceiling;
mod cell;
mod config;
mod digest;
mod images;
mod run;
mod store;

pub use ceiling::ceiling;
pub use cell::{Cell, Finding, Found, Measure};
pub use config::EvaluationConfig;
pub use digest::{digest, digest_of};
pub use images::{Drawing, Images};
pub use run::{Evaluation, Watch, Work};
