//! The chapters of the report: a text each, with what was measured in its places.

mod eta;
mod method;
mod orders;
mod ranking;
mod samplers;

pub use eta::eta;
pub use method::method;
pub use orders::orders;
pub use ranking::ranking;
pub use samplers::{file, samplers};
