//! What less arithmetic does to the images of the built-in model, on held-out captions: the table of docs/fast.md.
//!
//! `cargo run --release --example fast -- IMAGES [STEPS [SAMPLER]]`

#![allow(clippy::print_stdout, reason = "the figures are the output")]

use std::env;
use std::error::Error;
use std::path::Path;

use sd_evaluate::{Attribute, Classifier, Gaussian, Judgement, Reading};
use sd_pipeline::{DType, Device, Fast, GuidanceOptions, Interval, Pipeline, Request, Reuse};
use sd_scenes::{Sample, Split};

/// Images that are drawn at once.
const BATCH: usize = 16;

struct Model {
    pipeline: Pipeline,
    classifier: Classifier,
    samples: Vec<Sample>,
}

/// What a way to draw made of all captions.
struct Drawn {
    /// Trillions of multiplications for an image.
    arithmetic: f64,
    latents: Vec<f32>,
    readings: Vec<Reading>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let argument = |nth: usize, default: &str| env::args().nth(nth).unwrap_or_else(|| default.into());
    let (images, steps, sampler) = (argument(1, "200").parse()?, argument(2, "25").parse()?, argument(3, "dpm++2m"));
    let model = Model::open(images)?;
    let renders: Vec<Sample> = (images..2 * images).map(|i| Split::HeldOut.sample(i, 0, 64)).collect();
    let bytes: Vec<&[u8]> = renders.iter().map(|sample| sample.image.rgb.as_slice()).collect();
    let renders = features(&model.classifier.read(&bytes));
    let usual = Request { sampler: Some(sampler.parse()?), steps: Some(steps), ..Request::new("") };
    let converged = model.draw(&Request { steps: Some(8 * steps), ..usual.clone() })?;
    let plain = model.draw(&usual)?;

    println!("{images} held-out captions, {steps} steps of {sampler}\n");
    println!("| | times less arithmetic | from plain | from converged | Fréchet distance | captions |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let print = |name: &str, drawn: &Drawn| {
        let factor = plain.arithmetic / drawn.arithmetic;
        let [from_plain, from_converged] = [&plain, &converged].map(|other| distance(&drawn.latents, &other.latents));
        let (frechet, right) = (features(&drawn.readings).frechet(&renders), model.right(&drawn.readings));
        println!("| {name} | {factor:.2} | {from_plain:.4} | {from_converged:.4} | {frechet:.3} | {right:.1} % |");
    };
    print("plain", &plain);
    print("converged", &converged);
    for (name, request) in ways(&usual, steps)? {
        print(&name, &model.draw(&request)?);
    }
    Ok(())
}

/// The ways to draw with less arithmetic.
fn ways(usual: &Request, steps: usize) -> Result<Vec<(String, Request)>, Box<dyn Error>> {
    let with = |reuse: Reuse| Request { reuse, ..usual.clone() };
    let mut ways = Vec::new();
    for few in [steps * 3 / 5, steps * 2 / 5, steps * 3 / 10] {
        ways.push((format!("{few} steps"), Request { steps: Some(few), ..usual.clone() }));
    }
    for fast in Fast::ALL {
        ways.push((format!("`--fast {fast}`"), Request { fast: Some(fast), ..usual.clone() }));
    }
    for cache in ["2", "3", "4", "5", "3,1", "3,3", "3,6", "5,0,5,1.4"] {
        let deep_cache = Some(cache.parse()?);
        ways.push((format!("`--deep-cache {cache}`"), with(Reuse { deep_cache, ..Reuse::default() })));
    }
    for gate in [0.2, 0.4, 0.6, 0.8] {
        ways.push((format!("`--text-gate {gate}`"), with(Reuse { text_gate: Some(gate), ..Reuse::default() })));
    }
    for every in [2, 3] {
        let reuse = Reuse { guidance_every: Some(every), ..Reuse::default() };
        ways.push((format!("`--guidance-every {every}`"), with(reuse)));
    }
    for to in [0.4, 0.6, 0.8] {
        let guidance_options = GuidanceOptions { interval: Interval { from: 0.0, to }, ..GuidanceOptions::default() };
        ways.push((format!("`--guidance-interval 0,{to}`"), Request { guidance_options, ..usual.clone() }));
    }
    for ratio in [0.3, 0.5] {
        ways.push((format!("`--merge-tokens {ratio}`"), with(Reuse { merge_tokens: Some(ratio), ..Reuse::default() })));
    }
    for (cache, gate) in [("2", 0.6), ("3", 0.4), ("3", 0.6), ("4", 0.4), ("5", 0.4)] {
        let reuse = Reuse { deep_cache: Some(cache.parse()?), text_gate: Some(gate), ..Reuse::default() };
        ways.push((format!("`--deep-cache {cache} --text-gate {gate}`"), with(reuse)));
    }
    for (cache, every) in [("2", 2), ("3", 2)] {
        let reuse = Reuse { deep_cache: Some(cache.parse()?), guidance_every: Some(every), ..Reuse::default() };
        ways.push((format!("`--deep-cache {cache} --guidance-every {every}`"), with(reuse)));
    }
    Ok(ways)
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

    /// Draws an image of each caption.
    fn draw(&self, request: &Request) -> Result<Drawn, Box<dyn Error>> {
        let mut drawn = Drawn { arithmetic: 0.0, latents: Vec::new(), readings: Vec::new() };
        for (first, samples) in (0..).step_by(BATCH).zip(self.samples.chunks(BATCH)) {
            let plan = |(seed, sample): (u64, &Sample)| {
                self.pipeline.plan(&Request { prompt: Some(sample.caption.clone()), seed, ..request.clone() })
            };
            let plans = (first..).zip(samples).map(plan).collect::<Result<Vec<_>, _>>()?;
            let arithmetic = plans[0].arithmetic(self.pipeline.model())?.expect("the model reads a text");
            drawn.arithmetic = arithmetic.reused / 1e12;
            let images = self.pipeline.drawings(&plans).run_all()?;
            let pixels: Vec<&[u8]> = images.iter().map(|drawn| drawn.image.rgb.as_slice()).collect();
            drawn.readings.extend(self.classifier.read(&pixels));
            drawn.latents.extend(images.into_iter().flat_map(|drawn| drawn.latents.values));
        }
        Ok(drawn)
    }

    /// The share of images that show their whole caption, in per cent.
    fn right(&self, readings: &[Reading]) -> f64 {
        let mut judgement = Judgement::default();
        for (sample, reading) in self.samples.iter().zip(readings) {
            judgement.judge(&sample.facts, &reading.scene);
        }
        100.0 * judgement.score(Attribute::Caption).share()
    }
}

fn features(readings: &[Reading]) -> Gaussian {
    Gaussian::from_rows(readings.iter().map(|reading| reading.features.as_slice()))
}

/// The root mean square of the differences.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (squares / a.len() as f64).sqrt()
}
