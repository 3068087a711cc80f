//! Table 2: how closely real digits are drawn again from their own noise.

use std::fs;
use std::path::Path;

use sd_pipeline::{Image, Inversion, Pipeline, Request};
use sd_report::inversion::STEPS;
use sd_samplers::Ddim;

use crate::Result;
use crate::digits::Digits;

/// Digits that are inverted.
pub const COUNT: usize = 10;

/// Mean squared errors for each of the paper's numbers of steps; those in `file` are not measured again.
pub fn errors(pipeline: &Pipeline, digits: &Digits, file: &Path) -> Result<Vec<f64>> {
    let mut errors: Vec<f64> = match file.exists() {
        true => serde_json::from_str(&fs::read_to_string(file)?)?,
        false => Vec::new(),
    };
    for steps in STEPS.into_iter().skip(errors.len()) {
        let images = digits.images.iter().take(COUNT);
        let each = images.map(|image| error(pipeline, image, steps)).collect::<Result<Vec<f64>>>()?;
        let mean = each.iter().sum::<f64>() / each.len() as f64;
        println!("reconstruction in {steps} steps: {mean:.2e}");
        errors.push(mean);
        fs::write(file, serde_json::to_string(&errors)?)?;
    }
    Ok(errors)
}

/// The mean squared error of an image that is inverted and drawn again, for pixels from 0 to 1. Nothing is clipped or rounded.
fn error(pipeline: &Pipeline, image: &Image, steps: usize) -> Result<f64> {
    let inversion = Inversion { steps: Some(steps), ..Inversion::default() };
    let noise = pipeline.invert(image, &inversion)?;
    let request = Request { latents: Some(noise), ..inversion.request(pipeline.model(), image) };
    let again = pipeline.drawing(&pipeline.plan(&request)?).sampler(&Ddim::new(0.0)).run()?.latents.values;
    Ok(mean_squared_error(&image.to_planes(), &again))
}

/// Of pixels from −1 to 1, as if they were from 0 to 1.
fn mean_squared_error(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (f64::from(a - b) / 2.0).powi(2));
    squares.sum::<f64>() / a.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_and_white_are_one_apart() {
        assert_eq!(mean_squared_error(&[-1.0, 1.0, 0.0, 0.0], &[1.0, 1.0, 0.0, 0.0]), 0.25);
    }
}
