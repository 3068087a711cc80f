//! All measurements of the report.

use sd_exact::{Mixture, evenly_in_t, stable_diffusion};

use crate::curves::Curves;
use crate::orders::{self, Fit};
use crate::problems::Paths;
use crate::tuned::{self, Problem, Tuned};

/// The measurements of the catalogue.
pub struct Measurements {
    /// The curves of each sampler, in the catalogue's order.
    pub curves: Vec<Curves>,
    /// The fits of each sampler, in the same order.
    pub fits: Vec<Fit>,
    /// Paths of the mixture from the noisiest level to 0.
    pub whole: Paths,
    /// Steps tuned on the Gaussian, and on the mixture.
    tuned: [Vec<Tuned>; 2],
}

impl Measurements {
    /// Makes all measurements.
    pub fn make() -> Self {
        let (curves, paths) = (Curves::all(), orders::paths());
        let fits = curves.iter().map(|curves| Fit::new(&curves.subject, evenly_in_t, &paths)).collect();
        let whole = Paths::new(Mixture::ring(), stable_diffusion().sigma_max(), 0.0);
        Self { curves, fits, whole, tuned: tuned::kept() }
    }

    /// The steps that were tuned on a problem.
    pub fn tuned(&self, problem: Problem) -> &[Tuned] {
        &self.tuned[problem as usize]
    }

    /// The error of steps tuned on this problem: of levels alone (0), or of levels with weights (1).
    ///
    /// # Panics
    ///
    /// Panics if so many steps were not tuned.
    pub fn tuned_error(&self, problem: Problem, steps: usize, found: usize) -> f64 {
        let tuned = self.tuned(problem).iter().find(|tuned| tuned.steps == steps).expect("they were tuned");
        problem.error(&tuned.found[found], &self.whole)
    }
}
