use std::error::Error;
use std::path::Path;

use sd_evaluate::{Classifier, Reading};
use sd_pipeline::{DType, Device, Pipeline, Request};
use sd_scenes::Sample;

/// Images that are drawn at once.
const BATCH: usize = 16;

/// The built-in model, and a classifier that reads its images.
pub struct Model {
    pipeline: Pipeline,
    classifier: Classifier,
}

impl Model {
    pub fn open() -> Result<Self, Box<dyn Error>> {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let device = Device::flex();
        let pipeline = Pipeline::open(crates.join("sd-scenes-model/model"), &device, DType::F32)?;
        let classifier = Classifier::from_folder(&crates.join("sd-cli/tests/cli/classifier"), &device)?;
        Ok(Self { pipeline, classifier })
    }

    /// Draws images and reads them back, in the order of the requests.
    pub fn draw(&self, requests: &[Request]) -> Result<Vec<Reading>, Box<dyn Error>> {
        let mut read = Vec::new();
        for requests in requests.chunks(BATCH) {
            let plans = requests.iter().map(|request| self.pipeline.plan(request)).collect::<Result<Vec<_>, _>>()?;
            let drawn = self.pipeline.drawings(&plans).run_all()?;
            read.extend(
                self.classifier.read(&drawn.iter().map(|drawn| drawn.image.rgb.as_slice()).collect::<Vec<_>>()),
            );
        }
        Ok(read)
    }

    /// Reads the renders of samples.
    pub fn renders(&self, samples: &[Sample]) -> Vec<Reading> {
        let renders: Vec<&[u8]> = samples.iter().map(|sample| sample.image.rgb.as_slice()).collect();
        renders.chunks(BATCH).flat_map(|renders| self.classifier.read(renders)).collect()
    }
}
