use sd_image::{Mask, Region};
use serde::{Deserialize, Serialize};

use crate::{Error, Field};

/// A prompt for a part of the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionalPrompt {
    /// What this part should show.
    pub prompt: String,
    /// The part.
    pub area: Area,
    /// Share of this prompt, above 0; what is left to 1 is that of the image's own prompt. Where regions overlap, shares above 1 are
    /// scaled to 1.
    pub weight: f64,
}

/// A part of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Area {
    /// A rectangle of the image's pixels.
    Pixels(Region),
    /// A rectangle in shares of the image's width and height, from 0 to 1.
    Share {
        /// The left edge.
        left: f64,
        /// The upper edge.
        top: f64,
        /// The right edge.
        right: f64,
        /// The lower edge.
        bottom: f64,
    },
    /// The white part of a mask, which is stretched to the image; grey is a smaller share.
    Mask(Mask),
}

impl RegionalPrompt {
    /// Creates a prompt for an area, with weight 1.
    pub fn new(prompt: impl Into<String>, area: Area) -> Self {
        Self { prompt: prompt.into(), area, weight: 1.0 }
    }

    /// The same region with an area that follows the image when it is enlarged, in an image of `width`×`height` pixels.
    pub(crate) fn resolved(&self, width: usize, height: usize) -> Result<Self, Error> {
        let refuse = |reason: String| Err(Error::request(Field::Region, reason));
        if !(self.weight > 0.0 && self.weight.is_finite()) {
            return refuse(format!("has the weight {}: a number above 0 is needed", self.weight));
        }
        let (wide, high) = (width as f64, height as f64);
        let area = match &self.area {
            Area::Pixels(Region { left, top, right, bottom }) => Area::Share {
                left: *left as f64 / wide,
                top: *top as f64 / high,
                right: *right as f64 / wide,
                bottom: *bottom as f64 / high,
            },
            area => area.clone(),
        };
        match area {
            Area::Share { left, top, right, bottom }
                if !(0.0 <= left && left < right && right <= 1.0 && 0.0 <= top && top < bottom && bottom <= 1.0) =>
            {
                refuse(format!("reaches beyond the image or is empty; the image is {width}×{height}"))
            }
            Area::Mask(mask) if mask.width == 0 || mask.height == 0 => refuse("has an empty mask".into()),
            area => Ok(Self { area, ..self.clone() }),
        }
    }
}

impl Area {
    /// The share of each latent that is in the area, from 0 to 1, row by row; of an image of `width`×`height` latents.
    pub(crate) fn coverage(&self, width: usize, height: usize) -> Vec<f32> {
        let of = |left: f64, top: f64, right: f64, bottom: f64| {
            let (columns, rows) = (overlap(left, right, width), overlap(top, bottom, height));
            rows.iter().flat_map(|row| columns.iter().map(move |column| (row * column) as f32)).collect()
        };
        match self {
            Self::Share { left, top, right, bottom } => of(*left, *top, *right, *bottom),
            // Resolved plans have shares; these are pixels of the latents.
            Self::Pixels(Region { left, top, right, bottom }) => {
                let share = |edge: usize, count: usize| edge as f64 / count as f64;
                of(share(*left, width), share(*top, height), share(*right, width), share(*bottom, height))
            }
            Self::Mask(mask) => averages(mask, width, height),
        }
    }
}

/// How much of each of `count` equal parts of a line is between two shares of its length.
fn overlap(from: f64, to: f64, count: usize) -> Vec<f64> {
    let (from, to) = (from * count as f64, to * count as f64);
    (0..count).map(|i| (to.min(i as f64 + 1.0) - from.max(i as f64)).clamp(0.0, 1.0)).collect()
}

/// The means of a mask over the latents, not rounded to bytes.
fn averages(mask: &Mask, width: usize, height: usize) -> Vec<f32> {
    // The weights of a latent's pixels along one side.
    let weights = |latents: usize, pixels: usize| -> Vec<Vec<f64>> {
        let share = |i: usize| i as f64 / latents as f64;
        let scale = latents as f64 / pixels as f64;
        let of = |i| overlap(share(i), share(i + 1), pixels).into_iter().map(|part| part * scale).collect();
        (0..latents).map(of).collect()
    };
    let (columns, rows) = (weights(width, mask.width), weights(height, mask.height));
    let along = |line: &[u8], column: &[f64]| -> f64 { line.iter().zip(column).map(|(v, w)| f64::from(*v) * w).sum() };
    // Pixels become columns of latents first.
    let lines: Vec<Vec<f64>> =
        mask.values.chunks(mask.width).map(|line| columns.iter().map(|column| along(line, column)).collect()).collect();
    let mean = |row: &[f64], x: usize| -> f64 { lines.iter().zip(row).map(|(line, w)| line[x] * w).sum() };
    rows.iter().flat_map(|row| (0..width).map(move |x| (mean(row, x) / 255.0) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_covers_parts_of_latents() {
        let region = RegionalPrompt::new("", Area::Pixels(Region { left: 4, top: 0, right: 16, bottom: 8 }));
        let found = region.resolved(16, 16).unwrap().area.coverage(2, 2);
        assert_eq!(found, [0.5, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_region_outside_the_image_is_refused() {
        let region = RegionalPrompt::new("", Area::Pixels(Region { left: 4, top: 0, right: 17, bottom: 8 }));
        let message = region.resolved(16, 16).unwrap_err().to_string();
        assert!(message.contains("beyond") && message.contains("16×16"), "{message}");
    }

    #[test]
    fn a_mask_is_averaged_over_each_latent() {
        let mask = Mask { width: 4, height: 2, values: vec![255, 255, 255, 0, 255, 255, 0, 0] };
        let found = Area::Mask(mask).coverage(2, 1);
        assert_eq!(found, [1.0, 0.25]);
    }
}
