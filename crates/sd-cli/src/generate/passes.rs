//! What follows the first drawing: a second one at a larger size, and the last steps with XL's refiner.

use std::path::PathBuf;
use std::str::FromStr;

use sd_engine::{HiresPass, HiresSize, Job, RefinerPass};

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::model::locate_name;
use crate::progress::Progress;

/// Further passes over an image.
#[derive(clap::Args)]
#[command(next_help_heading = "Further passes")]
pub struct PassFlags {
    /// Enlarge the finished image by this factor, or to this size, and draw it again with the same seed
    #[arg(long, value_name = "FACTOR|WxH", conflicts_with = "init_image")]
    hires: Option<Target>,
    /// Steps of --hires, of which --hires-strength is made [default: --steps]
    #[arg(long, value_name = "N", requires = "hires")]
    hires_steps: Option<usize>,
    /// How much --hires changes, above 0 and up to 1
    #[arg(long, value_name = "F", default_value_t = 0.7, requires = "hires", allow_hyphen_values = true)]
    hires_strength: f64,
    /// How --hires enlarges the image: lanczos, latent, latent-antialiased, or the file of an upscaling network, as for `sd upscale`
    #[arg(long, value_name = "HOW|FILE", default_value = "lanczos", requires = "hires")]
    hires_upscaler: String,
    /// XL's refiner, which makes the last steps: a folder, a single file, or a name on the hub
    #[arg(long, value_name = "PATH|NAME")]
    refiner: Option<PathBuf>,
    /// The share of the noise levels after which the refiner takes over, between 0 and 1
    #[arg(long, value_name = "F", default_value_t = 0.8, requires = "refiner", allow_hyphen_values = true)]
    refiner_start: f64,
}

/// A factor, or a width and a height.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Target(HiresSize);

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = || {
            let (width, height) = text.split_once(['x', '×'])?;
            Some(HiresSize::Size(width.parse().ok()?, height.parse().ok()?))
        };
        let factor = || text.parse().ok().filter(|factor| (1.0..=16.0).contains(factor)).map(HiresSize::Factor);
        size()
            .or_else(factor)
            .map(Self)
            .ok_or_else(|| "expected a factor from 1 to 16, such as 2, or a size such as 1024x768".into())
    }
}

impl PassFlags {
    /// Adds the passes to a job.
    pub fn add_to(&self, job: &mut Job, progress: &mut Progress, cancel: &Cancel) -> Result<(), Failure> {
        job.hires = self.hires.map(|Target(size)| HiresPass {
            size,
            steps: self.hires_steps,
            strength: self.hires_strength,
            upscaler: self.hires_upscaler.clone(),
        });
        job.refiner = match &self.refiner {
            Some(path) => {
                let model = locate_name("--refiner", path, progress, cancel)?;
                Some(RefinerPass { model, start: self.refiner_start })
            }
            None => None,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_factor_or_a_size() {
        assert_eq!("2".parse(), Ok(Target(HiresSize::Factor(2.0))));
        assert_eq!("1024x768".parse(), Ok(Target(HiresSize::Size(1024, 768))));
        for wrong in ["", "0.5", "17", "nan", "x", "1024x", "big"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }
}
