use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::rules::ancestral::split;
use crate::rules::transfer::transfer;
use crate::{DenoiseError, Estimate, Sampler, StepContext};

/// The variance of DDPM's fresh noise (Ho et al. 2020, section 3.2; Nichol & Dhariwal 2021, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Variance {
    /// `(1 − alpha_bar_to)/(1 − alpha_bar_from)·beta`: exact if the data is a single point.
    FixedSmall,
    /// `beta` itself: exact if the data is white noise. It is the "hat-sigma" of Song et al. 2021.
    FixedLarge,
    /// What the network [says](Estimate::variance): with −1 the small variance, with 1 the large one, and between them linear in
    /// the logarithm (Nichol & Dhariwal 2021, equation 15). Not limited to −1 to 1, as in diffusers' `learned_range`.
    LearnedRange,
    /// What the network [says](Estimate::variance), in variance-preserving form (diffusers' `learned`); negative values count as 0.
    Learned,
}

impl Variance {
    /// Whether the network says it.
    pub fn is_learned(self) -> bool {
        matches!(self, Self::LearnedRange | Self::Learned)
    }
}

/// A network that says nothing of the variance, although DDPM is told to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ddpm reads a learned variance, but this model has none: choose a fixed variance, or another sampler")]
pub struct NoVariance;

/// DDPM's ancestral sampling (Ho et al. 2020, algorithm 2), for any subset of the timesteps.
///
/// Stochastic: the image keeps changing with the number of steps. Designed for the full thousand, good from about 100;
/// with fewer, prefer the small variance. One network call per step. As in the paper, the last step, to level 0, adds no
/// noise (diffusers adds some with the large and the learned variance if its last timestep is not 0).
#[derive(Debug, Clone, PartialEq)]
pub struct Ddpm {
    variance: Variance,
    clip: Option<f64>,
}

impl Ddpm {
    /// DDPM with the given variance of the fresh noise.
    pub fn new(variance: Variance) -> Self {
        Self { variance, clip: None }
    }

    /// Clips every denoised image to `[−range, range]`, if a range is given; for models in pixels (diffusers'
    /// `clip_sample`).
    pub fn with_clip(mut self, range: Option<f64>) -> Self {
        self.clip = range;
        self
    }
}

impl Sampler for Ddpm {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let Estimate { mut denoised, variance } = match self.variance.is_learned() {
            true => context.model.estimate(x.clone(), from)?,
            false => Estimate { denoised: context.model.denoise(x.clone(), from)?, variance: None },
        };
        if let Some(range) = self.clip {
            denoised = denoised.clamp(-range, range);
        }
        let (down, small) = split(from, to, 1.0);
        let x = transfer(x, denoised, from, down);
        // The last step adds nothing, because the paper sets z to 0 there.
        if to == 0.0 {
            return Ok(x);
        }
        let said = || variance.ok_or(NoVariance);
        Ok(match self.variance {
            Variance::FixedSmall => context.add_noise(x, from, to, small),
            Variance::FixedLarge => context.add_noise(x, from, to, large(from, to)),
            Variance::LearnedRange => {
                let (small, large) = (small.ln(), large(from, to).ln());
                let up = (said()? * ((large - small) / 2.0) + (large + small) / 2.0).exp();
                context.noise.draw(&x, from, to) * up + x
            }
            Variance::Learned => context.noise.draw(&x, from, to) * said()?.clamp_min(0.0).sqrt() * to.hypot(1.0) + x,
        })
    }
}

/// The standard deviation of beta, in variance-exploding form: `sqrt(beta/alpha_bar_to)`.
fn large(from: f64, to: f64) -> f64 {
    ((from - to) * (from + to) * (1.0 + to * to) / (1.0 + from * from)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both variances against the paper's own formulas, in variance-preserving form.
    #[test]
    fn one_step_matches_the_paper() {
        let (a_from, a_to) = (0.3_f64, 0.5_f64);
        let beta = 1.0 - a_from / a_to;
        let sigma = |a: f64| ((1.0 - a) / a).sqrt();
        let (down, small) = split(sigma(a_from), sigma(a_to), 1.0);
        let large = large(sigma(a_from), sigma(a_to));
        assert!((small * a_to.sqrt() - ((1.0 - a_to) / (1.0 - a_from) * beta).sqrt()).abs() < 1e-12);
        assert!((large * a_to.sqrt() - beta.sqrt()).abs() < 1e-12);
        // Equation 7: the weight of x_t in the mean.
        let weight = (a_from / a_to).sqrt() * (1.0 - a_to) / (1.0 - a_from);
        assert!((down / sigma(a_from) * (a_to / a_from).sqrt() - weight).abs() < 1e-12);
    }
}
