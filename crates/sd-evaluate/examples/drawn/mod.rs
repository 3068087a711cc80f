//! Images of the built-in model for held-out captions, and how good they are.

use std::error::Error;
use std::path::Path;

use sd_evaluate::{Attribute, Classifier, Gaussian, Judgement, Reading};
use sd_pipeline::{DType, Device, Pipeline, Request};
use sd_scenes::{Sample, Split};

/// Images that are drawn at once.
const BATCH: usize = 16;

pub struct Model {
    pub pipeline: Pipeline,
    pub classifier: Classifier,
    pub samples: Vec<Sample>,
    /// The seed of the first image.
    pub seed: u64,
}

/// What a way to draw made of all captions.
pub struct Drawn {
    pub latents: Vec<f32>,
    pub readings: Vec<Reading>,
}

impl Model {
    pub fn open(images: u64, seed: u64) -> Result<Self, Box<dyn Error>> {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let device = Device::flex();
        let pipeline = Pipeline::open(crates.join("sd-scenes-model/model"), &device, DType::F32)?;
        let classifier = Classifier::from_folder(&crates.join("sd-cli/tests/cli/classifier"), &device)?;
        let samples = (0..images).map(|index| Split::HeldOut.sample(index, 0, 64)).collect();
        Ok(Self { pipeline, classifier, samples, seed })
    }

    /// What the classifier sees in renders of as many other captions.
    pub fn renders(&self) -> Gaussian {
        let images = self.samples.len() as u64;
        let renders: Vec<Sample> = (images..2 * images).map(|i| Split::HeldOut.sample(i, 0, 64)).collect();
        let bytes: Vec<&[u8]> = renders.iter().map(|sample| sample.image.rgb.as_slice()).collect();
        features(&self.classifier.read(&bytes))
    }

    /// Draws an image of each caption.
    pub fn draw(&self, request: &Request) -> Result<Drawn, Box<dyn Error>> {
        let mut drawn = Drawn { latents: Vec::new(), readings: Vec::new() };
        for (first, samples) in (self.seed..).step_by(BATCH).zip(self.samples.chunks(BATCH)) {
            let plan = |(seed, sample): (u64, &Sample)| {
                self.pipeline.plan(&Request { prompt: Some(sample.caption.clone()), seed, ..request.clone() })
            };
            let plans = (first..).zip(samples).map(plan).collect::<Result<Vec<_>, _>>()?;
            let images = self.pipeline.drawings(&plans).run_all()?;
            let pixels: Vec<&[u8]> = images.iter().map(|drawn| drawn.image.rgb.as_slice()).collect();
            drawn.readings.extend(self.classifier.read(&pixels));
            drawn.latents.extend(images.into_iter().flat_map(|drawn| drawn.latents.values));
        }
        Ok(drawn)
    }

    /// The share of images that show their whole caption, in per cent.
    pub fn right(&self, drawn: &Drawn) -> f64 {
        let mut judgement = Judgement::default();
        for (sample, reading) in self.samples.iter().zip(&drawn.readings) {
            judgement.judge(&sample.facts, &reading.scene);
        }
        100.0 * judgement.score(Attribute::Caption).share()
    }
}

impl Drawn {
    /// The Fréchet distance from renders.
    pub fn frechet(&self, renders: &Gaussian) -> f64 {
        features(&self.readings).frechet(renders)
    }

    /// The root mean square of the latents' differences.
    pub fn distance(&self, other: &Self) -> f64 {
        let squares: f64 = self.latents.iter().zip(&other.latents).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        (squares / self.latents.len() as f64).sqrt()
    }
}

fn features(readings: &[Reading]) -> Gaussian {
    Gaussian::from_rows(readings.iter().map(|reading| reading.features.as_slice()))
}
