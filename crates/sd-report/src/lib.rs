#![doc = include_str!("../README.md")]

pub mod chapters;
pub mod curves;
pub mod eta;
pub mod figures;
pub mod inversion;
pub mod measurements;
pub mod orders;
pub mod plot;
pub mod problems;
pub mod report;
pub mod subject;
pub mod tuned;

pub use report::{File, report};
