use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::rules::ancestral::split;
use crate::rules::transfer::transfer;
use crate::{DenoiseError, Sampler, StepContext};

/// The variance of DDPM's fresh noise (Ho et al. 2020, section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Variance {
    /// `(1 − alpha_bar_to)/(1 − alpha_bar_from)·beta`: exact if the data is a single point.
    FixedSmall,
    /// `beta` itself: exact if the data is white noise. It is the "hat-sigma" of Song et al. 2021.
    FixedLarge,
}

/// DDPM's ancestral sampling (Ho et al. 2020, algorithm 2), for any subset of the timesteps.
///
/// Stochastic: the image keeps changing with the number of steps. Designed for the full thousand, good from about 100;
/// with fewer, prefer the small variance. One network call per step. As in the paper, the last step, to level 0, adds no
/// noise (diffusers adds some with the large variance if its last timestep is not 0).
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
        let mut denoised = context.model.denoise(x.clone(), from)?;
        if let Some(range) = self.clip {
            denoised = denoised.clamp(-range, range);
        }
        let (down, small) = split(from, to, 1.0);
        let up = match self.variance {
            Variance::FixedSmall => small,
            // beta/alpha_bar_to. The last step adds nothing, because the paper sets z to 0 there.
            Variance::FixedLarge if to > 0.0 => {
                ((from - to) * (from + to) * (1.0 + to * to) / (1.0 + from * from)).sqrt()
            }
            Variance::FixedLarge => 0.0,
        };
        let x = transfer(x, denoised, from, down);
        Ok(context.add_noise(x, from, to, up))
    }
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
        let large = ((sigma(a_from).powi(2) - sigma(a_to).powi(2)) * (1.0 + sigma(a_to).powi(2))
            / (1.0 + sigma(a_from).powi(2)))
        .sqrt();
        assert!((small * a_to.sqrt() - ((1.0 - a_to) / (1.0 - a_from) * beta).sqrt()).abs() < 1e-12);
        assert!((large * a_to.sqrt() - beta.sqrt()).abs() < 1e-12);
        // Equation 7: the weight of x_t in the mean.
        let weight = (a_from / a_to).sqrt() * (1.0 - a_to) / (1.0 - a_from);
        assert!((down / sigma(a_from) * (a_to / a_from).sqrt() - weight).abs() < 1e-12);
    }
}
