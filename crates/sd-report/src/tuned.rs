//! Steps that are tuned for a problem, and how well they do there and elsewhere.

use std::convert::Infallible;

use burn::tensor::{Device, Tensor, TensorData};
use sd_exact::{Affine, Gaussian, Mixture, stable_diffusion};
use sd_samplers::{Denoiser, FreshNoise, Ipndm, Noise, Sampler, TorchNoise, sample};
use sd_schedule::NoiseLevels;
use sd_tune::{Settings, Steps, Tuning};
use serde::{Deserialize, Serialize};

use crate::curves::{GRIDS, levels};
use crate::problems::{Paths, latents};

/// Numbers of steps that are tuned.
pub const STEPS: [usize; 5] = [4, 5, 6, 8, 10];

/// The sampler whose steps are tuned.
pub fn sampler() -> Ipndm {
    Ipndm::new(4)
}

/// The two problems.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Problem {
    /// The Gaussian of the ranking.
    Gaussian,
    /// The mixture.
    Mixture,
}

/// Steps tuned on a problem: levels alone, and levels with weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    /// The number of steps.
    pub steps: usize,
    /// The steps.
    pub found: [Steps; 2],
}

/// What [`Problem::tune`] found, on the Gaussian and on the mixture. It is kept, because the last digits of a search depend on
/// the processor; `cargo xtask report --tune` searches again.
pub fn kept() -> [Vec<Tuned>; 2] {
    serde_json::from_str(include_str!("../text/tuned.json")).expect("it is committed")
}

/// Searches again, and returns the text of what is kept.
pub fn search() -> String {
    let found = [Problem::Gaussian, Problem::Mixture].map(|problem| STEPS.map(|steps| problem.tune(steps)));
    serde_json::to_string_pretty(&found).expect("numbers") + "\n"
}

impl Problem {
    /// Tunes so many steps on random images of the problem, starting from the levels of both grids.
    pub fn tune(self, steps: usize) -> Tuned {
        let (x, exact) = self.random();
        let exact = values(exact);
        let found = [(false, 400), (true, 1200)].map(|(weights, budget)| {
            let starts = GRIDS.map(|grid| Steps::new("ipndm", levels(grid, steps))).to_vec();
            let mut tuning = Tuning::new(Settings { weights, budget }, exact.clone(), starts);
            let mut draw = |steps: &Steps| -> Result<Vec<f32>, Infallible> {
                Ok(values(steps.draw(&sampler(), |sampler, levels| self.walk(sampler, &x, levels))))
            };
            while matches!(tuning.advance(&mut draw), Ok(true)) {}
            tuning.best().expect("it was drawn").steps
        });
        Tuned { steps, found }
    }

    /// The error of some steps: on the Gaussian the distance, on the mixture that of the images of the ranking.
    pub fn error(self, steps: &Steps, paths: &Paths) -> f64 {
        steps.draw(&sampler(), |sampler, levels| self.error_of(sampler, levels, paths))
    }

    /// The same for a sampler at some levels.
    pub fn error_of(self, sampler: &dyn Sampler, levels: &NoiseLevels, paths: &Paths) -> f64 {
        match self {
            Self::Gaussian => {
                let data = latents();
                let affine = Affine::new(sampler, &data, levels, FreshNoise::Never, &Device::flex());
                let drawn = affine.apply(&data.marginal(levels.first()));
                (drawn.frechet(&data) / data.mean.len() as f64).sqrt()
            }
            Self::Mixture => paths.error(self.walk(sampler, &paths.start, levels)),
        }
    }

    /// Random images at the noisiest level, and the ends of their paths.
    fn random(self) -> (Tensor<4>, Tensor<4>) {
        let (top, mut noise, device) = (stable_diffusion().sigma_max(), TorchNoise::new(1), Device::flex());
        match self {
            Self::Gaussian => {
                let (data, count) = (latents().marginal(top), latents().mean.len());
                let column = |values: &[f64]| {
                    Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 1, count, 1]), (&device, dtype()))
                };
                let like = Tensor::<4>::zeros([1, 1, count, 100], (&device, dtype()));
                let x = noise.start(&like) * column(&data.std) + column(&data.mean);
                (x.clone(), latents().path(x, top, 0.0))
            }
            Self::Mixture => {
                let x = Mixture::ring().marginal(top).draw(100, &mut noise, &device);
                (x.clone(), Mixture::ring().path(x, top, 0.0))
            }
        }
    }

    fn walk(self, sampler: &dyn Sampler, x: &Tensor<4>, levels: &NoiseLevels) -> Tensor<4> {
        let (gaussian, mixture): (Gaussian, Mixture) = (latents(), Mixture::ring());
        let (mut of_gaussian, mut of_mixture) = (gaussian.denoiser(), mixture.denoiser());
        let model: &mut dyn Denoiser = match self {
            Self::Gaussian => &mut of_gaussian,
            Self::Mixture => &mut of_mixture,
        };
        sample(sampler, model, &mut TorchNoise::new(0), x.clone(), levels).expect("the model does not fail")
    }
}

fn dtype() -> burn::tensor::DType {
    burn::tensor::DType::F64
}

fn values(x: Tensor<4>) -> Vec<f32> {
    x.into_data().convert::<f32>().try_to_vec().expect("they were converted")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The search is what finds the steps that are kept, up to where it ends.
    #[test]
    fn what_is_kept_is_found_again() {
        let paths = Paths::new(Mixture::ring(), stable_diffusion().sigma_max(), 0.0);
        let [_, mixture] = kept();
        let found = Problem::Mixture.tune(5);
        let kept = mixture.iter().find(|tuned| tuned.steps == 5).unwrap();
        for (found, kept) in found.found.iter().zip(&kept.found) {
            let [found, kept] = [found, kept].map(|steps| Problem::Mixture.error(steps, &paths));
            assert!(found < 1.5 * kept && kept < 1.5 * found, "{found} and {kept}");
        }
    }
}
