//! A sampler under measurement.

use burn::tensor::{Device, Tensor};
use sd_exact::{Affine, Gaussian, stable_diffusion};
use sd_samplers::{
    CATALOGUE, Denoiser, FreshNoise, Sampler, SamplerInfo, SamplerOption, SamplerSettings, TorchNoise, sample,
};
use sd_schedule::NoiseLevels;

use crate::problems::Paths;

/// A sampler of the catalogue with its options.
pub struct Subject {
    /// Its entry in the catalogue.
    pub entry: &'static SamplerInfo,
    /// The noise it draws.
    pub fresh: FreshNoise,
    sampler: Box<dyn Sampler>,
}

impl Subject {
    /// Creates the sampler of a name, with some options and the noise that goes with them.
    ///
    /// # Panics
    ///
    /// Panics if there is no such sampler, or if it does not have the options.
    pub fn with(name: &str, options: &[(SamplerOption, f64)], fresh: FreshNoise) -> Self {
        let entry = CATALOGUE.iter().find(|entry| entry.name == name).expect("a sampler of the catalogue");
        let setting = SamplerSettings { options: options.to_vec(), ..SamplerSettings::new(stable_diffusion()) };
        Self { entry, fresh, sampler: entry.make(&setting).expect("options that it has") }
    }

    /// Creates every sampler of the catalogue with its default options.
    pub fn all() -> Vec<Self> {
        CATALOGUE.iter().map(|entry| Self::with(entry.name, &[], entry.fresh)).collect()
    }

    /// Whether it draws no noise.
    pub fn deterministic(&self) -> bool {
        self.fresh == FreshNoise::Never
    }

    /// Number of network calls of a walk down `levels`.
    pub fn calls(&self, levels: &NoiseLevels) -> usize {
        self.sampler.calls(levels)
    }

    /// Whether its number of calls depends on the images.
    pub fn adaptive(&self) -> bool {
        self.sampler.is_adaptive()
    }

    /// Returns the levels of the most steps within `budget` network calls; none if no steps are possible, or if the number of
    /// calls is not known.
    pub fn within(&self, budget: usize, levels: impl Fn(usize) -> NoiseLevels) -> Option<NoiseLevels> {
        if self.adaptive() {
            return None;
        }
        let steps = (self.sampler.min_steps()..=budget).rev();
        steps.map(levels).find(|levels| self.sampler.calls(levels) <= budget)
    }

    /// The distribution it draws of Gaussian data, starting from the data's own distribution at the first level.
    pub fn drawn(&self, data: &Gaussian, levels: &NoiseLevels) -> Gaussian {
        let affine = Affine::new(&self.sampler, data, levels, self.fresh, &Device::flex());
        affine.apply(&data.marginal(levels.first()))
    }

    /// The distance of what it draws from the data at the last level: the root of the squared Fréchet distance per
    /// coordinate.
    pub fn distance(&self, data: &Gaussian, levels: &NoiseLevels) -> f64 {
        let squared = self.drawn(data, levels).frechet(&data.marginal(levels.last()));
        (squared / data.mean.len() as f64).sqrt()
    }

    /// The root-mean-square distance of its images from the ends of their paths.
    ///
    /// # Panics
    ///
    /// Panics if it is not deterministic.
    pub fn image_error(&self, paths: &Paths, levels: &NoiseLevels) -> f64 {
        self.counted(paths, levels).1
    }

    /// The number of network calls that drawing these images takes, and their [error](Self::image_error).
    ///
    /// # Panics
    ///
    /// Panics if it is not deterministic.
    pub fn counted(&self, paths: &Paths, levels: &NoiseLevels) -> (usize, f64) {
        assert!(self.deterministic(), "{} draws noise", self.entry.name);
        let (mut calls, mut model) = (0, paths.data.denoiser());
        let mut counting = |x: Tensor<4>, sigma: f64| {
            calls += 1;
            model.denoise(x, sigma)
        };
        let drawn = sample(&self.sampler, &mut counting, &mut TorchNoise::new(0), paths.start.clone(), levels);
        let error = paths.error(drawn.expect("the model does not fail"));
        (calls, error)
    }
}

#[cfg(test)]
mod tests {
    use sd_schedule::Grid;

    use super::*;
    use crate::problems::latents;

    #[test]
    fn a_budget_is_used_up_and_not_exceeded() {
        let normal = |steps| Grid::Normal.levels(&stable_diffusion(), steps).unwrap();
        let heun = Subject::with("heun", &[], FreshNoise::Never);
        assert_eq!(heun.within(10, normal).unwrap().steps(), 5);
        assert_eq!(heun.calls(&heun.within(11, normal).unwrap()), 11);
        assert!(Subject::with("restart", &[], FreshNoise::Steps).within(20, normal).is_none());
    }

    /// On one coordinate, both the samples and the paths are the scaled start.
    #[test]
    fn the_distance_of_a_deterministic_sampler_is_its_images_error() {
        let (data, levels) = (Gaussian { mean: vec![0.4], std: vec![0.5] }, sd_exact::evenly_in_t(10));
        let ddim = Subject::with("ddim", &[], FreshNoise::Never);
        let gain: f64 = levels.pairs().map(|(from, to)| (0.25 + from * to) / (0.25 + from * from)).product();
        let exact = ((0.25 + levels.last().powi(2)) / (0.25 + levels.first().powi(2))).sqrt();
        let start = data.marginal(levels.first()).std[0];
        assert!((ddim.distance(&data, &levels) - (gain - exact).abs() * start).abs() < 1e-14);
    }

    #[test]
    fn the_mean_is_exact_whatever_the_steps() {
        let levels = Grid::Normal.levels(&stable_diffusion(), 9).unwrap();
        // Too few steps for a restart; the classical methods are not exact on straight paths.
        let others = ["restart", "fon", "pf"];
        for subject in Subject::all().into_iter().filter(|subject| !others.contains(&subject.entry.name)) {
            let drawn = subject.drawn(&latents(), &levels);
            for (found, exact) in drawn.mean.iter().zip(latents().mean) {
                assert!((found - exact).abs() < 1e-12, "{}: {found} instead of {exact}", subject.entry.name);
            }
        }
    }
}
