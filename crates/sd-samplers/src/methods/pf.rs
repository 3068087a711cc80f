use burn::tensor::Tensor;
use sd_schedule::NoiseLevels;

use crate::rules::angle::{slope, slope_at};
use crate::rules::dormand_prince::{CALLS, Trial, trial};
use crate::rules::transfer::transfer;
use crate::{DenoiseError, Evaluated, Sampler, StepContext};

/// PF: the probability-flow equation by an adaptive Runge–Kutta method of order 5(4) (Song et al. 2021b, section 4.3), to which
/// PNDM is compared (Liu et al. 2022, section 4).
///
/// Each step through the levels is divided so that the estimated error of every part is at most the tolerance. Deterministic;
/// order 5 as long as no step is divided. A step takes seven network calls, and six more for each further part or attempt: so
/// the number of calls is not known before, [`calls`](Sampler::calls) is the least, and the divisions depend on all images of
/// the batch. A last step to level 0, where there is no slope, is Euler's.
///
/// A few steps are enough, since they are divided as needed: this is for images as exact as wished, not for fast ones. The
/// slope is that of [`Fon`](crate::Fon): images in variance-preserving form, with `atan(sigma)` as the time. The device is read
/// after each attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Pf {
    tolerance: f64,
}

impl Pf {
    /// PF with a tolerance above 0: the root mean square of the error of a part in any image, whose own is about 1.
    ///
    /// # Panics
    ///
    /// Panics if the tolerance is not above 0, or not finite.
    pub fn new(tolerance: f64) -> Self {
        assert!(tolerance > 0.0 && tolerance.is_finite(), "the tolerance is {tolerance}, but must be above 0");
        Self { tolerance }
    }

    /// The estimated error of a part, where the tolerance is 1: the largest of any image.
    fn error(&self, trial: &Trial) -> Result<f64, DenoiseError> {
        // Divided first, because the square of a small error is 0 in half precision.
        let error = trial.error.clone() / self.tolerance;
        let squares = (error.clone() * error).mean_dim(3).mean_dim(2).mean_dim(1).max();
        let squares = squares.try_into_data().map_err(|error| error.to_string())?.convert::<f64>();
        Ok(squares.try_to_vec::<f64>().map_err(|error| format!("{error:?}"))?[0].sqrt())
    }
}

/// No part is shorter than this share of its step, even if rounding alone exceeds the tolerance.
const SHORTEST: f64 = 1e-3;

impl Sampler for Pf {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        if to == 0.0 {
            return Ok(transfer(x, denoised, from, to));
        }
        let mut slope_here = slope(&Evaluated { sigma: from, x: x.clone(), denoised });
        let mut slope_at = |x: Tensor<4>, theta: f64| slope_at(context.model, x, theta);
        let (mut x, mut theta, end) = (x / from.hypot(1.0), from.atan(), to.atan());
        let shortest = (theta - end) * SHORTEST;
        let mut length = theta - end;
        loop {
            let part = trial(&mut slope_at, &x, slope_here.clone(), theta, -length)?;
            let error = self.error(&part)?;
            if error <= 1.0 || length <= shortest {
                (x, slope_here) = (part.x, part.slope);
                if length == theta - end {
                    return Ok(x * to.hypot(1.0));
                }
                theta -= length;
            }
            length = (length * factor(error)).max(shortest).min(theta - end);
        }
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        levels.pairs().map(|(_, to)| if to > 0.0 { 1 + CALLS } else { 1 }).sum()
    }

    fn is_adaptive(&self) -> bool {
        true
    }
}

/// How much longer the next part is, after one with this error: aims a little below the tolerance.
fn factor(error: f64) -> f64 {
    // Not a number if the network fails, which is then noticed.
    if error.is_finite() { (0.9 * error.powf(-0.2)).clamp(0.2, 5.0) } else { 0.2 }
}
