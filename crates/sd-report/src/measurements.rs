//! All measurements of the report.

use sd_exact::evenly_in_t;

use crate::curves::Curves;
use crate::orders::{self, Fit};

/// The measurements of the catalogue.
pub struct Measurements {
    /// The curves of each sampler, in the catalogue's order.
    pub curves: Vec<Curves>,
    /// The fits of each sampler, in the same order.
    pub fits: Vec<Fit>,
}

impl Measurements {
    /// Makes all measurements.
    pub fn make() -> Self {
        let (curves, paths) = (Curves::all(), orders::paths());
        let fits = curves.iter().map(|curves| Fit::new(&curves.subject, evenly_in_t, &paths)).collect();
        Self { curves, fits }
    }
}
