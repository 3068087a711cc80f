//! How close a few steps of the built-in model come to many, on held-out captions and seeds: the tables of docs/tuning.md and
//! docs/scenes-model.md. Of schedules, and of models that were distilled from it.
//!
//! `cargo run --release --example few_steps -- IMAGES GUIDANCE [SCHEDULE.json | MODEL]…`

#![allow(clippy::print_stdout, reason = "the figures are the output")]

mod drawn;

use std::env;
use std::error::Error;
use std::path::Path;

use sd_pipeline::{DType, Device, Pipeline, Request, Schedule};
use sd_tune::TunedSchedule;

use self::drawn::{Drawn, Model};

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

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [images, guidance, files @ ..] = &arguments[..] else {
        return Err("IMAGES GUIDANCE [SCHEDULE.json | MODEL]…".into());
    };
    let (images, guidance): (u64, f64) = (images.parse()?, guidance.parse()?);
    let model = Model::open(images, SEED)?;
    let renders = model.renders();

    let usual = model.pipeline.plan(&request("ipndm", "", guidance)?)?.settings.sampling.levels.value;
    let converged = model.draw(&request("lms", &many(usual.first()), guidance)?)?;
    println!("{images} held-out captions, guidance {guidance}\n");
    println!("| steps | calls | from converged | Fréchet distance | captions |\n| --- | ---: | ---: | ---: | ---: |");
    let print = |name: &str, calls: usize, drawn: &Drawn| {
        let (distance, frechet, right) = (drawn.distance(&converged), drawn.frechet(&renders), model.right(drawn));
        println!("| {name} | {calls} | {distance:.4} | {frechet:.3} | {right:.1} % |");
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
            let student = with_pipeline(&model, Path::new(file))?;
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

/// The same captions and classifier with another model.
fn with_pipeline(model: &Model, folder: &Path) -> Result<Model, Box<dyn Error>> {
    let pipeline = Pipeline::open(folder, &Device::flex(), DType::F32)?;
    Ok(Model { pipeline, classifier: model.classifier.clone(), samples: model.samples.clone(), seed: model.seed })
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
