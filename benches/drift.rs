//! Measures how far devices and precisions drift apart: draws one prompt with one seed on each device of this machine in
//! each precision, and compares with the CPU in single precision.
//!
//! Run `cargo xtask drift`. `--model PATH` selects another model than the built-in one.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the printed table is the purpose")]

use std::ops::ControlFlow;
use std::process::ExitCode;

use sd_pipeline::{Choices, DType, Error, Model, Pipeline, Request, device_by_name, devices};

/// The calls of the network after which latents are compared.
const CALLS: [usize; 3] = [1, 5, 20];

/// The denoised latents after each of [`CALLS`], and the image.
struct Drawn {
    latents: Vec<Vec<f32>>,
    image: Vec<f32>,
}

fn main() -> ExitCode {
    let flags: Vec<String> = std::env::args().skip(1).collect();
    let result = match &flags[..] {
        [] => table(&|| Ok(Model::built_in("the built-in model", sd_scenes_model::FILES, &Choices::default())?)),
        [flag, path] if flag == "--model" => table(&|| Ok(Model::open(path)?)),
        _ => Err(format!("unknown arguments {flags:?}: only --model PATH is accepted")),
    };
    result.map_or_else(
        |error| {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

/// Prints a table of mean and largest differences.
fn table(model: &dyn Fn() -> Result<Model, Error>) -> Result<(), String> {
    let reference = draw(model, "flex", DType::F32).map_err(|error| error.to_string())?;
    println!("| device | precision | hardware | latents after 1 call | after 5 | after 20 | image, of 255 |");
    println!("|---|---|---|---|---|---|---|");
    for device in devices() {
        for dtype in &device.precisions {
            let cells = match draw(model, &device.name, *dtype) {
                Ok(drawn) => {
                    let pairs = reference.latents.iter().zip(&drawn.latents);
                    let latents: Vec<String> = pairs.map(|(a, b)| difference(a, b, 1e-6)).collect();
                    format!("{} | {}", latents.join(" | "), difference(&reference.image, &drawn.image, 1e-3))
                }
                Err(error) => error.to_string(),
            };
            println!("| {} | {dtype} | {} | {cells} |", device.name, device.hardware);
        }
    }
    Ok(())
}

fn draw(model: &dyn Fn() -> Result<Model, Error>, device: &str, dtype: DType) -> Result<Drawn, Error> {
    let pipeline = Pipeline::load(model()?, &device_by_name(device)?, dtype)?;
    let request = Request {
        steps: Some(CALLS[CALLS.len() - 1]),
        sampler: Some("ddim".parse()?),
        ..Request::new("a red house by the sea at sunset")
    };
    let plan = pipeline.plan(&request)?;
    let mut latents = Vec::new();
    let drawn = pipeline
        .drawing(&plan)
        .watch(&mut |step| {
            if CALLS.contains(&step.call) {
                let values = step.denoised.clone().into_data().convert::<f32>();
                latents.push(values.try_to_vec().expect("the values were converted to f32"));
            }
            ControlFlow::Continue(())
        })
        .run()?;
    Ok(Drawn { latents, image: drawn.image.rgb.iter().map(|n| f32::from(*n)).collect() })
}

/// Formats the mean and the largest difference, with the decimals of `unit`.
fn difference(a: &[f32], b: &[f32], unit: f64) -> String {
    let apart = || a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs()));
    let (mean, largest) = (apart().sum::<f64>() / a.len() as f64, apart().fold(0.0, f64::max));
    let digits = -unit.log10().round() as usize;
    format!("{mean:.digits$} / {largest:.digits$}")
}
