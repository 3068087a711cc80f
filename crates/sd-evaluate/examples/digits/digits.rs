//! Digits in a folder, as digits.py writes them.

use std::fs;
use std::path::Path;

use sd_pipeline::Image;
use sd_train::{Purpose, Stream};
use serde::Deserialize;

use crate::Result;

/// Width and height of the images.
pub const PIXELS: usize = 32;

/// Images of digits, and which they show.
pub struct Digits {
    pub images: Vec<Image>,
    pub labels: Vec<usize>,
}

/// A line of `metadata.jsonl`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    file_name: String,
    text: String,
}

impl Digits {
    /// Reads the images that the folder's `metadata.jsonl` lists.
    pub fn read(folder: &Path) -> Result<Self> {
        let file = folder.join("metadata.jsonl");
        let wrong = |reason: &dyn std::fmt::Display| format!("{}: {reason}", file.display());
        let text = fs::read_to_string(&file).map_err(|error| wrong(&error))?;
        let mut digits = Self { images: Vec::new(), labels: Vec::new() };
        for line in text.lines() {
            let Line { file_name, text } = serde_json::from_str(line).map_err(|error| wrong(&error))?;
            let label = text.parse().ok().filter(|label| *label < 10);
            digits.labels.push(label.ok_or_else(|| wrong(&format!("{text:?}, expected a digit")))?);
            let image = Image::read(folder.join(&file_name))?;
            if (image.width, image.height) != (PIXELS, PIXELS) {
                let Image { width, height, .. } = image;
                return Err(wrong(&format!("{file_name} is {width}×{height}, expected {PIXELS}×{PIXELS}")).into());
            }
            digits.images.push(image);
        }
        Ok(digits)
    }

    /// The same digits in another order, which is always the same one: the files are sorted by digit.
    pub fn shuffled(self) -> Self {
        let mut stream = Stream::new(0, Purpose::Order, 0);
        let mut pairs: Vec<_> = self.images.into_iter().zip(self.labels).map(|pair| (stream.uniform(), pair)).collect();
        pairs.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let (images, labels) = pairs.into_iter().map(|(_, pair)| pair).unzip();
        Self { images, labels }
    }
}

/// The brightness of each pixel, −1 to 1: digits have no colour.
pub fn brightness(image: &Image) -> Vec<f32> {
    let sum = |rgb: &[u8]| rgb.iter().map(|byte| f32::from(*byte)).sum::<f32>();
    image.rgb.chunks(3).map(|rgb| sum(rgb) / (3.0 * 127.5) - 1.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_is_the_mean_of_the_colours() {
        let image = Image { width: 3, height: 1, rgb: vec![0, 0, 0, 255, 255, 255, 255, 0, 0] };
        assert_eq!(brightness(&image), [-1.0, 1.0, 2.0 / 3.0 - 1.0]);
    }

    #[test]
    fn wrong_digits_and_sizes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = |line: &str| {
            fs::write(folder.path().join("metadata.jsonl"), line).unwrap();
            Digits::read(folder.path()).err().unwrap().to_string()
        };
        assert!(
            error(r#"{"file_name": "a.png", "text": "10"}"#).ends_with(r#"metadata.jsonl: "10", expected a digit"#)
        );
        Image { width: 8, height: 8, rgb: vec![0; 192] }.save(folder.path().join("a.png")).unwrap();
        assert!(error(r#"{"file_name": "a.png", "text": "1"}"#).ends_with("a.png is 8×8, expected 32×32"));
    }
}
