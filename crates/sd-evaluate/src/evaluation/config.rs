use sd_pipeline::SamplerName;

use super::images::{Drawing, Images};
use super::measurement::{Measurement, Metric};

/// What is evaluated, and how thoroughly.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationConfig {
    /// Seed of the held-out scenes; the noise of scene `i` has the seed `seed + i`.
    pub seed: u64,
    /// Number of scenes whose images are judged by their captions.
    pub captions: u64,
    /// The sampler of those images, and its steps.
    pub sampler: (SamplerName, usize),
    /// The guidance scales of those images.
    pub guidances: Vec<f64>,
    /// Images in each set of a distance; distances of sets of different sizes cannot be compared.
    pub samples: u64,
    /// The samplers whose distances are measured.
    pub samplers: Vec<SamplerName>,
    /// Their numbers of steps.
    pub steps: Vec<usize>,
    /// The guidance scale of those images: 1 keeps the learnt distribution.
    pub guidance: f64,
    /// Images that are drawn at once.
    pub batch: usize,
}

/// The table of Song et al. 2021 up to 100 steps, with one sampler of each family.
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
    /// All measurements in order, the fast ones first.
    pub fn measurements(&self) -> Vec<Measurement> {
        let (sampler, steps) = self.sampler;
        let guided = self.guidances.iter().map(|&guidance| Images::Samples(Drawing { sampler, steps, guidance }));
        let judged = [Images::Renders, Images::Reconstructions].into_iter().chain(guided);
        let drawing = |steps, sampler| Images::Samples(Drawing { sampler, steps, guidance: self.guidance });
        let table = self.steps.iter().flat_map(|&steps| self.samplers.iter().map(move |&s| drawing(steps, s)));
        let compared = [Images::Renders, Images::Reconstructions].into_iter().chain(table);
        let accuracy = judged.map(|images| Measurement { metric: Metric::Accuracy, images });
        let distance = compared.map(|images| Measurement { metric: Metric::Distance, images });
        // 0 captions or samples mean none of these measurements.
        accuracy.filter(|_| self.captions > 0).chain(distance.filter(|_| self.samples > 0)).collect()
    }

    /// Number of images in a measurement.
    pub(crate) fn images(&self, metric: Metric) -> u64 {
        match metric {
            Metric::Accuracy => self.captions,
            Metric::Distance => self.samples,
        }
    }
}
