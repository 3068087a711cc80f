use sd_pipeline::SamplerName;

use super::cell::{Cell, Measure};
use super::images::{Drawing, Images};

/// What is evaluated, and how thoroughly.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationConfig {
    /// Seed of the held-out scenes; the noise of scene `i` has the seed `seed + i`.
    pub seed: u64,
    /// Scenes whose images are judged by their captions.
    pub captions: u64,
    /// The sampler of those images, and its steps.
    pub sampler: (SamplerName, usize),
    /// The guidance of those images.
    pub guidances: Vec<f64>,
    /// Images of each set that a distance is between; distances between sets of other sizes cannot be compared.
    pub samples: u64,
    /// The samplers whose distances are measured.
    pub samplers: Vec<SamplerName>,
    /// The numbers of steps they are measured in.
    pub steps: Vec<usize>,
    /// The guidance of those images: 1 leaves the distribution as it was learnt.
    pub guidance: f64,
    /// Images that are drawn at a time.
    pub batch: usize,
}

/// The table of Song et al. 2021 with the samplers that stand for a family each, as far as 100 steps.
impl Default for EvaluationConfig {
    fn default() -> Self {
        let sampler = |name: &str| name.parse().expect("it is in the catalogue");
        Self {
            seed: 0,
            captions: 500,
            sampler: (sampler("dpm++2m"), 20),
            guidances: vec![1.0, 3.0, 5.0, 7.5],
            samples: 5000,
            samplers: ["ddim", "ddpm", "ddpm-hat-sigma", "plms", "dpm++2m"].map(sampler).to_vec(),
            steps: vec![5, 10, 20, 50, 100],
            guidance: 1.0,
            batch: 16,
        }
    }
}

impl EvaluationConfig {
    /// Everything that is measured, in order: the cheap before the dear.
    pub fn cells(&self) -> Vec<Cell> {
        let (sampler, steps) = self.sampler;
        let guided = self.guidances.iter().map(|&guidance| Images::Samples(Drawing { sampler, steps, guidance }));
        let judged = [Images::Renders, Images::Reconstructions].into_iter().chain(guided);
        let drawing = |steps, sampler| Images::Samples(Drawing { sampler, steps, guidance: self.guidance });
        let table = self.steps.iter().flat_map(|&steps| self.samplers.iter().map(move |&s| drawing(steps, s)));
        let compared = [Images::Renders, Images::Reconstructions].into_iter().chain(table);
        let accuracy = judged.map(|images| Cell { measure: Measure::Accuracy, images });
        let distance = compared.map(|images| Cell { measure: Measure::Distance, images });
        // A distance needs two images at least; without any, none is measured.
        accuracy.filter(|_| self.captions > 0).chain(distance.filter(|_| self.samples > 0)).collect()
    }

    /// Images that a measurement takes.
    pub(crate) fn images(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Accuracy => self.captions,
            Measure::Distance => self.samples,
        }
    }
}
