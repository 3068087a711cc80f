//! How close a few steps of the built-in model come to many, on held-out captions and seeds: the tables of docs/tuning.md and
//! docs/scenes-model.md. Of schedules, and of models that were distilled from it.
//!
//! `cargo run --release --example few_steps -- IMAGES GUIDANCE [SCHEDULE.json | MODEL]…`

#![allow(clippy::print_stdout, reason = "the figures are the output")]

use std::env;
use std::error::Error;
use std::path::Path;

use sd_evaluate::{Attribute, Classifier, Gaussian, Judgement, Reading};
use sd_pipeline::{DType, Device, Image, Pipeline, Request, Schedule};
use sd_scenes::{Sample, Split};
use sd_tune::TunedSchedule;

/// Images that are drawn at once.
const BATCH: usize = 16;
/// Seed of the first image; those that steps are tuned on have low ones.
const SEED: u64 = 10_000;

/// Samplers, their schedules and numbers of steps, to compare with.
const USUAL: [(&str, &str, &[usize]); 5] = [
    ("unipc", "", &[10, 15]),
    ("unipc", "karras", &[5, 8, 10, 15]),
    ("dpm++2m", "karras", &[4, 5, 8, 10, 15, 20]),
    ("ipndm", "", &[5, 8, 10, 15]),
    ("ddim", "", &[4, 8, 20]),
];

struct Model {
    pipeline: Pipeline,
    classifier: Classifier,
    samples: Vec<Sample>,
}

/// Latents, and what the classifier reads in the images.
type Drawn = (Vec<f32>, Vec<Reading>);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [images, guidance, files @ ..] = &arguments[..] else {
        return Err("IMAGES GUIDANCE [SCHEDULE.json | MODEL]…".into());
    };
    let (images, guidance): (u64, f64) = (images.parse()?, guidance.parse()?);
    let model = Model::open(images)?;
    let renders: Vec<Sample> = (images..2 * images).map(|i| Split::HeldOut.sample(i, 0, 64)).collect();
    let bytes: Vec<&[u8]> = renders.iter().map(|sample| sample.image.rgb.as_slice()).collect();
    let renders = features(&model.classifier.read(&bytes));

    let usual = model.pipeline.plan(&request("ipndm", "", guidance)?)?.settings.sampling.levels.value;
    let converged = model.draw(&request("lms", &many(usual.first()), guidance)?)?;
    println!("{images} held-out captions, guidance {guidance}\n");
    println!("| steps | calls | from converged | Fréchet distance | captions |\n| --- | ---: | ---: | ---: | ---: |");
    let print = |name: &str, calls: usize, drawn: &Drawn| {
        let mut judgement = Judgement::default();
        for (sample, reading) in model.samples.iter().zip(&drawn.1) {
            judgement.judge(&sample.facts, &reading.scene);
        }
        let score = judgement.score(Attribute::Caption);
        let (right, frechet) = (100.0 * score.share(), features(&drawn.1).frechet(&renders));
        println!("| {name} | {calls} | {:.4} | {frechet:.3} | {right:.1} % |", distance(&drawn.0, &converged.0));
    };
    print("converged", 100, &converged);
    for (sampler, schedule, calls) in USUAL {
        for &steps in calls {
            let mut request = request(sampler, schedule, guidance)?;
            request.steps = Some(steps);
            print(&format!("`{sampler}` {schedule}"), steps, &model.draw(&request)?);
        }
    }
    for file in files {
        if Path::new(file).is_dir() {
            let student = model.with_pipeline(Path::new(file))?;
            for steps in [1, 2, 4, 8] {
                let request = Request { sampler: None, steps: Some(steps), ..request("ddim", "", guidance)? };
                print(file, steps, &student.draw(&request)?);
            }
            continue;
        }
        let tuned = TunedSchedule::read(Path::new(file))?;
        let steps = tuned.levels.steps();
        let sigmas = tuned.levels.into();
        let schedule = match tuned.weights {
            Some(weights) => Schedule::Multistep { sigmas, weights },
            None => Schedule::Sigmas(sigmas),
        };
        print(file, steps, &model.draw(&request(&tuned.sampler, &schedule.to_string(), guidance)?)?);
    }
    Ok(())
}

impl Model {
    fn open(images: u64) -> Result<Self, Box<dyn Error>> {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let device = Device::flex();
        let pipeline = Pipeline::open(crates.join("sd-scenes-model/model"), &device, DType::F32)?;
        let classifier = Classifier::from_folder(&crates.join("sd-cli/tests/cli/classifier"), &device)?;
        let samples = (0..images).map(|index| Split::HeldOut.sample(index, 0, 64)).collect();
        Ok(Self { pipeline, classifier, samples })
    }

    /// The same with another model.
    fn with_pipeline(&self, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let pipeline = Pipeline::open(folder, &Device::flex(), DType::F32)?;
        Ok(Self { pipeline, classifier: self.classifier.clone(), samples: self.samples.clone() })
    }

    /// Draws an image of each caption.
    fn draw(&self, request: &Request) -> Result<Drawn, Box<dyn Error>> {
        let (mut latents, mut readings) = (Vec::new(), Vec::new());
        for (first, samples) in (0..).step_by(BATCH).zip(self.samples.chunks(BATCH)) {
            let plan = |(seed, sample): (u64, &Sample)| {
                self.pipeline.plan(&Request { prompt: Some(sample.caption.clone()), seed, ..request.clone() })
            };
            let plans = (SEED + first..).zip(samples).map(plan).collect::<Result<Vec<_>, _>>()?;
            let drawn = self.pipeline.drawings(&plans).run_all()?;
            let images: Vec<&Image> = drawn.iter().map(|drawn| &drawn.image).collect();
            readings.extend(self.classifier.read(&images.iter().map(|image| image.rgb.as_slice()).collect::<Vec<_>>()));
            latents.extend(drawn.into_iter().flat_map(|drawn| drawn.latents.values));
        }
        Ok((latents, readings))
    }
}

fn request(sampler: &str, schedule: &str, guidance: f64) -> Result<Request, Box<dyn Error>> {
    let schedule = if schedule.is_empty() { None } else { Some(schedule.parse()?) };
    let (width, height) = (Some(64), Some(64));
    Ok(Request {
        sampler: Some(sampler.parse()?),
        schedule,
        guidance: Some(guidance),
        width,
        height,
        ..Request::new("")
    })
}

/// A hundred steps to 0, as `sd tune` makes them.
fn many(from: f64) -> String {
    let (top, bottom) = (from.atan().cbrt(), 0.02_f64.atan().cbrt());
    let level = |i: u32| (top + (bottom - top) * f64::from(i) / 99.0).powi(3).tan();
    Schedule::Sigmas([from].into_iter().chain((1..100).map(level)).chain([0.0]).collect()).to_string()
}

fn features(readings: &[Reading]) -> Gaussian {
    Gaussian::from_rows(readings.iter().map(|reading| reading.features.as_slice()))
}

/// The root mean square of the differences.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (squares / a.len() as f64).sqrt()
}
