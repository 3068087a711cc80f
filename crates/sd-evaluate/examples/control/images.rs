use std::error::Error;
use std::path::Path;

use sd_evaluate::{Classifier, Reading};
use sd_pipeline::{ControlFile, ControlImage, ControlMode, DType, Device, Image, Model, Pipeline, Request};

use crate::subject::Subject;

/// Images that are drawn at once.
const BATCH: usize = 16;

/// The built-in model with its ControlNet, and a classifier that reads its images.
pub struct Images {
    pipeline: Pipeline,
    classifier: Classifier,
}

impl Images {
    /// Opens the built-in model with a ControlNet.
    pub fn open(control: &Path) -> Result<Self, Box<dyn Error>> {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let device = Device::flex();
        let mut model = Model::open(crates.join("sd-scenes-model/model"))?;
        model.add_control(ControlFile::open(control)?)?;
        let pipeline = Pipeline::load(model, &device, DType::F32)?;
        let classifier = Classifier::from_folder(&crates.join("sd-cli/tests/cli/classifier"), &device)?;
        Ok(Self { pipeline, classifier })
    }

    /// Draws the subjects, steered by their edges with a scale and a mode, with their captions or with empty prompts.
    pub fn draw(
        &self,
        subjects: &[Subject],
        control: Option<(f64, ControlMode)>,
        with_captions: bool,
    ) -> Result<Vec<Image>, Box<dyn Error>> {
        let request = |subject: &Subject| {
            let steered =
                |(scale, mode)| ControlImage { scale, mode, ..ControlImage::new(0, subject.condition.clone()) };
            Request {
                sampler: Some("dpm++2m".parse().expect("it is in the catalogue")),
                steps: Some(20),
                guidance: Some(3.0),
                seed: subject.seed,
                controls: control.map(steered).into_iter().collect(),
                ..Request::new(if with_captions { &subject.caption } else { "" })
            }
        };
        let mut images = Vec::new();
        for subjects in subjects.chunks(BATCH) {
            let plans = subjects.iter().map(|subject| self.pipeline.plan(&request(subject)));
            let plans = plans.collect::<Result<Vec<_>, _>>()?;
            images.extend(self.pipeline.drawings(&plans).run_all()?.into_iter().map(|drawn| drawn.image));
        }
        Ok(images)
    }

    /// Encodes and decodes the subjects' renders: no drawing in latents can be closer to them.
    pub fn reconstruct(&self, subjects: &[Subject]) -> Result<Vec<Image>, Box<dyn Error>> {
        let renders: Vec<Image> = subjects.iter().map(|subject| subject.render.clone()).collect();
        let parts = renders.chunks(BATCH).map(|renders| self.pipeline.reconstruct(renders));
        Ok(parts.collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// Reads images back into scenes.
    pub fn read(&self, images: &[Image]) -> Vec<Reading> {
        let rgb: Vec<&[u8]> = images.iter().map(|image| image.rgb.as_slice()).collect();
        rgb.chunks(BATCH).flat_map(|rgb| self.classifier.read(rgb)).collect()
    }
}
