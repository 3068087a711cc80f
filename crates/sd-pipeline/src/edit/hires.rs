use sd_image::Filter;
use serde::{Deserialize, Serialize};

use crate::{Error, Field, GeneratedImage, Image, Init, Latents, Model, Plan, Request};

/// A second pass at a larger size, which adds the detail that a model cannot draw in one pass.
///
/// The first image is enlarged and drawn again from some noise, with the same seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hires {
    /// Width of the larger image in pixels.
    pub width: usize,
    /// Its height.
    pub height: usize,
    /// Steps of the second pass; none is as many as of the first.
    pub steps: Option<usize>,
    /// Strength of the second pass.
    pub strength: f64,
    /// How the first image is enlarged.
    pub upscaler: Upscaler,
}

/// How an image is enlarged between two passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Upscaler {
    /// As pixels, with Lanczos' filter, or any other way that gives an [`Image`].
    #[default]
    Lanczos,
    /// As latents, interpolated linearly. Needs a strength of 0.5 or more, because latents do not interpolate well.
    Latent,
    /// The same with antialiasing, which matters only where the second image is smaller.
    LatentAntialiased,
}

impl Hires {
    /// A factor on the size of a first image; strength 0.7.
    ///
    /// Sizes are rounded down to the model's scale factor.
    pub fn new(factor: f64, first: &Plan, model: &Model) -> Self {
        let unit = model.scale_factor();
        let size = |pixels: usize| ((pixels as f64 * factor) as usize / unit * unit).max(unit);
        let (width, height) = (size(first.settings.width.value), size(first.settings.height.value));
        Self { width, height, steps: None, strength: 0.7, upscaler: Upscaler::default() }
    }

    /// Plans the second pass. Its [`init`](Plan::init) is a placeholder until [`enlarged`](Self::enlarged) makes it.
    ///
    /// # Errors
    ///
    /// [`Error::Request`], as [`Plan::new`].
    pub fn plan(&self, model: &Model, request: &Request) -> Result<Plan, Error> {
        let unit = model.scale_factor();
        if [self.width, self.height].iter().any(|size| *size == 0 || !size.is_multiple_of(unit)) {
            let reason = format!("{}×{}: both must be multiples of {unit}", self.width, self.height);
            return Err(Error::request(Field::Hires, reason));
        }
        let shape = model.latent_shape(self.width, self.height);
        let first = Plan::new(model, request)?;
        let placeholder = Latents { values: vec![0.0; shape.iter().product()], shape };
        let mut plan = Plan::new(
            model,
            &Request {
                width: None,
                height: None,
                latents: None,
                init: Some(Init::Latents(placeholder)),
                strength: Some(self.strength),
                steps: self.steps.or(request.steps),
                steps_before: first.settings.sampling.whole.len(),
                regions: first.settings.regions,
                controls: request.controls_with_images(),
                ..request.clone()
            },
        )?;
        if self.upscaler == Upscaler::Lanczos {
            plan.init = Some(Init::Image(Image {
                width: self.width,
                height: self.height,
                rgb: vec![0; 3 * self.width * self.height],
            }));
        }
        Ok(plan)
    }

    /// Enlarges the image of the first pass to what the second starts from.
    pub fn enlarged(&self, first: &GeneratedImage) -> Init {
        match self.upscaler {
            Upscaler::Lanczos => Init::Image(first.image.resize(self.width, self.height, Filter::Lanczos)),
            Upscaler::Latent | Upscaler::LatentAntialiased => {
                let (image, [_, _, high, wide]) = (&first.image, first.latents.shape);
                let (width, height) = (self.width * wide / image.width, self.height * high / image.height);
                let is_smooth = self.upscaler == Upscaler::LatentAntialiased;
                Init::Latents(interpolated(&first.latents, width, height, is_smooth))
            }
        }
    }
}

/// Interpolates latents linearly, as PyTorch does with `align_corners` false.
fn interpolated(latents: &Latents, width: usize, height: usize, antialias: bool) -> Latents {
    let [_, channels, high, wide] = latents.shape;
    let (columns, rows) = (taps(wide, width, antialias), taps(high, height, antialias));
    let mut values = Vec::with_capacity(channels * width * height);
    for plane in latents.values.chunks(high * wide) {
        let along = |y: usize, column: &[(usize, f64)]| -> f64 {
            column.iter().map(|(x, weight)| weight * f64::from(plane[y * wide + x])).sum()
        };
        for row in &rows {
            values.extend(
                columns
                    .iter()
                    .map(|column| row.iter().map(|(y, weight)| weight * along(*y, column)).sum::<f64>() as f32),
            );
        }
    }
    Latents { values, shape: [1, channels, height, width] }
}

/// For each of `to` values, those of `from` that it is made of, with weights that sum to 1.
fn taps(from: usize, to: usize, antialias: bool) -> Vec<Vec<(usize, f64)>> {
    let scale = from as f64 / to as f64;
    let support = if antialias { scale.max(1.0) } else { 1.0 };
    let tap = |i: usize| {
        let centre = (i as f64 + 0.5) * scale - 0.5;
        // Without antialiasing the edge is continued; with it, what is outside has no weight. Here this is the same.
        let centre = if antialias { centre } else { centre.clamp(0.0, from as f64 - 1.0) };
        let first = (centre - support).floor().max(0.0) as usize;
        let last = ((centre + support).ceil() as usize).min(from - 1);
        let weights = (first..=last).map(|j| (j, (1.0 - (j as f64 - centre).abs() / support).max(0.0)));
        let weights: Vec<_> = weights.filter(|(_, weight)| *weight > 0.0).collect();
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        weights.into_iter().map(|(j, weight)| (j, weight / sum)).collect()
    };
    (0..to).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What torch.nn.functional.interpolate gives.
    #[test]
    fn latents_are_interpolated_between_their_centres() {
        let latents = Latents { values: vec![0.0, 1.0, 2.0, 3.0], shape: [1, 1, 2, 2] };
        let found = interpolated(&latents, 4, 2, false);
        assert_eq!(found.shape, [1, 1, 2, 4]);
        assert_eq!(found.values, [0.0, 0.25, 0.75, 1.0, 2.0, 2.25, 2.75, 3.0]);
        assert_eq!(interpolated(&latents, 4, 2, true), found);
    }

    #[test]
    fn a_smaller_image_is_averaged_only_with_antialiasing() {
        let latents = Latents { values: (0..8).map(|i| if i < 4 { 0.0 } else { 1.0 }).collect(), shape: [1, 1, 1, 8] };
        assert_eq!(interpolated(&latents, 2, 1, false).values, [0.0, 1.0]);
        let averaged = interpolated(&latents, 2, 1, true).values;
        assert!(averaged[0] > 0.05 && averaged[0] + averaged[1] == 1.0, "{averaged:?}");
    }
}
