//! The chapters of the report: each is a text filled with measured values.

mod eta;
mod inversion;
mod method;
mod orders;
mod ranking;
mod samplers;
mod tuned;

pub use eta::eta;
pub use inversion::inversion;
pub use method::method;
pub use orders::orders;
pub use ranking::ranking;
pub use samplers::{file, samplers};
pub use tuned::{tuned, tuned_lines};
