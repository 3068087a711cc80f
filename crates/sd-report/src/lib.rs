//! The report on the samplers: every one of them measured on problems whose answers are known.
//!
//! [`report()`] measures and writes everything in memory, the same on every run; the program puts it into `docs`. Read
//! it there: `docs/samplers.md`. The texts are in this crate's folder `text`, with `{names}` where figures go.

pub mod chapters;
pub mod curves;
pub mod eta;
pub mod figures;
pub mod measurements;
pub mod orders;
pub mod plot;
pub mod problems;
pub mod report;
pub mod subject;

pub use report::{File, report};
