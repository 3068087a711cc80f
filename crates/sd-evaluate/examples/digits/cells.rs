//! The cells of table 1, and their images.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sd_pipeline::{Image, Pipeline, Plan, Request};
use sd_report::eta::{PAPER, STEPS, levels};
use sd_samplers::{Ddim, Ddpm, Sampler, Variance};

use crate::Result;

/// Images that are drawn at once.
const BATCH: usize = 20;

/// A row of the table, and a number of steps.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    pub row: &'static str,
    pub steps: usize,
}

/// All cells, those with the fewest steps first.
pub fn all() -> impl Iterator<Item = Cell> {
    STEPS.into_iter().flat_map(|steps| PAPER.map(|(row, _)| Cell { row, steps }))
}

/// Draws the first `images` images of all cells: a batch of every cell before the next one, so that all have equally many at any time.
pub fn draw_all(pipeline: &Pipeline, out: &Path, images: usize) -> Result<()> {
    for first in (0..images).step_by(BATCH) {
        for cell in all() {
            cell.draw(pipeline, out, first..images.min(first + BATCH))?;
        }
    }
    Ok(())
}

impl Cell {
    /// The cell's first images.
    pub fn images(self, out: &Path, count: usize) -> Result<Vec<Image>> {
        (0..count).map(|seed| Ok(Image::read(self.file(out, seed))?)).collect()
    }

    fn file(self, out: &Path, seed: usize) -> PathBuf {
        out.join(format!("images/{}-{}/{seed:04}.png", self.row, self.steps))
    }

    /// Draws the images of some seeds that are not there yet.
    fn draw(self, pipeline: &Pipeline, out: &Path, seeds: Range<usize>) -> Result<()> {
        let missing: Vec<usize> = seeds.filter(|seed| !self.file(out, *seed).exists()).collect();
        let Some(last) = missing.last() else { return Ok(()) };
        let began = Instant::now();
        let plans = missing.iter().map(|seed| self.plan(pipeline, *seed)).collect::<Result<Vec<Plan>>>()?;
        let drawn = pipeline.drawings(&plans).sampler(&*self.sampler()).run_all()?;
        fs::create_dir_all(self.file(out, *last).with_file_name(""))?;
        for (seed, drawn) in missing.iter().zip(drawn) {
            drawn.image.save(self.file(out, *seed))?;
        }
        let seconds = began.elapsed().as_secs_f64();
        println!("eta {}, {} steps, images to {last}: {seconds:.1} s", self.row, self.steps);
        Ok(())
    }

    /// The plan of an image, which visits the paper's timesteps.
    fn plan(self, pipeline: &Pipeline, seed: usize) -> Result<Plan> {
        let request = Request {
            sampler: Some("ddim".parse()?),
            steps: Some(self.steps),
            seed: seed as u64,
            ..Request::default()
        };
        let plan = pipeline.plan(&request)?;
        let (found, expected) = (plan.settings.sampling.levels.value.sigmas(), levels(self.steps, 0.0));
        let is_near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 * b;
        match found.len() == expected.sigmas().len() && found.iter().zip(expected.sigmas()).all(is_near) {
            true => Ok(plan),
            false => Err("the model's noise levels are not DDPM's: train it by digits.toml".into()),
        }
    }

    /// As in the paper's code, which clips the clean image in DDPM's steps but not in DDIM's.
    fn sampler(self) -> Box<dyn Sampler> {
        match self.row {
            "hat-sigma" => Box::new(Ddpm::new(Variance::FixedLarge).with_clip(Some(1.0))),
            eta => Box::new(Ddim::new(eta.parse().expect("a number"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_cell_for_each_published_figure() {
        assert_eq!(all().count(), PAPER.iter().map(|(_, row)| row.len()).sum::<usize>());
        let cell = Cell { row: "0.2", steps: 50 };
        assert_eq!(cell.file(Path::new("out"), 3), Path::new("out/images/0.2-50/0003.png"));
    }
}
