use burn::tensor::Tensor;

use crate::{DenoiseError, Sampler, StepContext};

/// LCM: repeatedly jumps to the clean image and adds fresh noise (Luo et al. 2023, multistep latent consistency sampling;
/// diffusers' `LCMScheduler`).
///
/// Stochastic. It has no order, because only a network distilled for it predicts an image that is worth jumping to. For
/// such networks, with 2 to 8 steps; with any other network use another sampler. One network call per step. No noise is
/// drawn for a last step to level 0.
///
/// diffusers adds `c_skip = 0.25/((10·t)² + 0.25)` times the noisy image to `c_out = 10·t/sqrt((10·t)² + 0.25)` times the
/// denoised one, so that timestep 0 changes nothing. This crate does not. At timestep 19, the smallest that diffusers
/// visits by default, `c_skip` is 6.9e-6 and `1 − c_out` 3.5e-6; at 259, the last of four steps, they are 3.7e-8 and
/// 1.9e-8.
#[derive(Debug, Clone, PartialEq)]
pub struct Lcm;

impl Sampler for Lcm {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x, from)?;
        Ok(context.add_noise(denoised, from, to, to))
    }
}
