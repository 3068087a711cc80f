//! Fréchet distances of drawn and of real digits from the training's.

use std::path::Path;

use sd_evaluate::Gaussian;
use sd_pipeline::Image;
use sd_report::eta::{PAPER, STEPS};

use crate::Result;
use crate::cells::Cell;
use crate::classifier::Classifier;
use crate::digits::Digits;

/// Squared Fréchet distances between sets of `images` images and all digits of the training.
pub struct Distances {
    pub images: usize,
    /// Of each row and number of steps.
    pub cells: [[f64; 5]; 5],
    /// Of sets of held-out digits: what a perfect model would have.
    pub held_out: Spread,
    /// Of sets of the training's own digits: what the number of images alone makes.
    pub train: Spread,
}

/// A mean and a standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub mean: f64,
    /// NaN if there is only one value.
    pub std: f64,
}

impl Distances {
    pub fn measure(
        classifier: &Classifier,
        [train, held_out]: [&Digits; 2],
        out: &Path,
        images: usize,
    ) -> Result<Self> {
        let features = |images: &[Image]| -> Vec<Vec<f32>> {
            classifier.read(images).into_iter().map(|reading| reading.features).collect()
        };
        let train = features(&train.images);
        let all = gaussian(&train);
        let from_all = |rows: &[Vec<f32>]| gaussian(rows).frechet(&all);
        let mut cells = [[0.0; 5]; 5];
        for (row, (name, _)) in cells.iter_mut().zip(PAPER) {
            for (distance, steps) in row.iter_mut().zip(STEPS) {
                *distance = from_all(&features(&Cell { row: name, steps }.images(out, images)?));
            }
        }
        let held_out: Vec<f64> = features(&held_out.images).chunks_exact(images).map(from_all).collect();
        // The files are sorted by digit, so a set takes every n-th.
        let sets = train.len() / images;
        let set = |first: usize| train.iter().skip(first).step_by(sets).take(images).cloned().collect::<Vec<_>>();
        let train: Vec<f64> = (0..sets).map(|first| from_all(&set(first))).collect();
        Ok(Self { images, cells, held_out: Spread::of(&held_out), train: Spread::of(&train) })
    }
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        Self { mean, std: (squares / (count - 1.0)).sqrt() }
    }
}

fn gaussian(rows: &[Vec<f32>]) -> Gaussian {
    Gaussian::from_rows(rows.iter().map(Vec::as_slice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_one_to_four_is_known() {
        let Spread { mean, std } = Spread::of(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!((mean, std), (2.5, (5.0_f64 / 3.0).sqrt()));
    }
}
