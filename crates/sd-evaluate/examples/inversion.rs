//! How closely the built-in model draws inverted images again: its part of Table 2 of Song et al. 2021, which
//! docs/samplers.md shows.
//!
//! `cargo run --release --example inversion -- [IMAGES]`

#![allow(clippy::print_stdout, reason = "the figures are the output")]

use std::env;
use std::error::Error;
use std::path::Path;

use burn::tensor::{DType as TensorType, Device, Tensor, TensorData};
use sd_pipeline::{DType, Image, Inversion, Latents, Pipeline, Request};
use sd_scenes::{Sample, Split};

/// Numbers of steps in the paper's table.
const STEPS: [usize; 7] = [10, 20, 50, 100, 200, 500, 1000];

fn main() -> Result<(), Box<dyn Error>> {
    let count = env::args().nth(1).map_or(Ok(8), |count| count.parse())?;
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sd-scenes-model/model");
    let pipeline = Pipeline::open(model, &Device::flex(), DType::F32)?;
    let samples: Vec<Sample> = (0..count).map(|index| Split::HeldOut.sample(index, 0, 64)).collect();
    println!("{count} held-out scenes, mean squared error per pixel and channel from 0 to 1");
    println!("{:>5} {:>10} {:>10}", "steps", "mean", "median");
    for steps in STEPS {
        let errors = samples.iter().map(|sample| error(&pipeline, sample, steps));
        let mut errors = errors.collect::<Result<Vec<f64>, _>>()?;
        errors.sort_by(f64::total_cmp);
        let count = errors.len();
        let mean = errors.iter().sum::<f64>() / count as f64;
        let median = (errors[(count - 1) / 2] + errors[count / 2]) / 2.0;
        println!("{steps:>5} {mean:>10.2e} {median:>10.2e}");
    }
    Ok(())
}

/// The mean squared error of an image that is inverted and drawn again, beside what the autoencoder makes of its latents.
fn error(pipeline: &Pipeline, sample: &Sample, steps: usize) -> Result<f64, Box<dyn Error>> {
    let image = Image { width: sample.image.pixels, height: sample.image.pixels, rgb: sample.image.rgb.clone() };
    let inversion = Inversion { prompt: Some(sample.caption.clone()), steps: Some(steps), ..Inversion::default() };
    let noise = pipeline.invert(&image, &inversion)?;
    let request = Request { latents: Some(noise), ..inversion.request(pipeline.model(), &image) };
    let again = pipeline.draw(&request)?.latents;
    let exact = pipeline.encode(&[image])?.remove(0);
    let decoder = pipeline.components().autoencoder.as_ref().ok_or("the model has no autoencoder")?;
    // Not rounded to bytes, whose steps are larger than the smallest errors.
    let [again, exact] = [again, exact].map(|Latents { values, shape }| {
        let latents = Tensor::<4>::from_data(TensorData::new(values, shape), &Device::flex());
        (decoder.decode(latents).cast(TensorType::F32) / 2.0 + 0.5).clamp(0.0, 1.0)
    });
    Ok(f64::from((again - exact).square().mean().into_scalar::<f32>()))
}
