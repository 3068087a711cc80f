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
        if matches!(&self.area, Area::Mask(mask) if mask.width == 0 || mask.height == 0) {
            return refuse("has an empty mask".into());
        }
        let area = match self.area.rectangle((width, height)) {
            None => self.area.clone(),
            Some([left, top, right, bottom])
                if 0.0 <= left && left < right && right <= 1.0 && 0.0 <= top && top < bottom && bottom <= 1.0 =>
            {
                Area::Share { left, top, right, bottom }
            }
            Some(_) => {
                return refuse(format!("reaches beyond the image or is empty; the image is {width}×{height}"));
            }
        };
        Ok(Self { area, ..self.clone() })
    }
}

impl Area {
    /// Left, top, right and bottom as shares of an image of this width and height; none for a mask.
    fn rectangle(&self, (width, height): (usize, usize)) -> Option<[f64; 4]> {
        match *self {
            Self::Share { left, top, right, bottom } => Some([left, top, right, bottom]),
            Self::Pixels(Region { left, top, right, bottom }) => {
                let share = |edge: usize, length: usize| edge as f64 / length as f64;
                Some([share(left, width), share(top, height), share(right, width), share(bottom, height)])
            }
            Self::Mask(_) => None,
        }
    }

    /// The share of each latent that is in the area, from 0 to 1, row by row. Sizes are width and height: of the image in pixels, and
    /// of its latents.
    pub(crate) fn coverage(&self, image: (usize, usize), (width, height): (usize, usize)) -> Vec<f32> {
        if let Self::Mask(mask) = self {
            return averages(mask, width, height);
        }
        let [left, top, right, bottom] = self.rectangle(image).expect("what is no mask is a rectangle");
        let (columns, rows) = (overlap(left, right, width), overlap(top, bottom, height));
        rows.iter().flat_map(|row| columns.iter().map(move |column| (row * column) as f32)).collect()
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
        let found = region.resolved(16, 16).unwrap().area.coverage((16, 16), (2, 2));
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
        let found = Area::Mask(mask).coverage((4, 2), (2, 1));
        assert_eq!(found, [1.0, 0.25]);
    }
}
