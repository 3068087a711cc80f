//! Flags of `sd generate` about images that are changed.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{ArgGroup, ValueEnum};
use sd_pipeline::{Field, Fill, ImageError, Init, Inpaint, Mask, Outpaint, Request, RequestError, Variation};

use crate::failure::Failure;
use crate::flags::Resize;
use crate::input::read_with_alpha;
use crate::seed::Seed;

/// An image to start from, and what becomes of it.
#[derive(clap::Args)]
#[command(next_help_heading = "Changing an image", group = ArgGroup::new("masked").multiple(true))]
pub struct EditFlags {
    /// Image to start from: PNG, JPEG or WebP; - is standard input
    ///
    /// Without --width and --height, the new image has its size, rounded down to a multiple of 8.
    #[arg(long, value_name = "FILE")]
    init_image: Option<PathBuf>,
    /// How much of the image changes, above 0 and up to 1: the share of --steps that is made [default: 0.75; with --outpaint and models for
    /// inpainting: 1]
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    strength: Option<f64>,
    /// How the image is brought to --width and --height
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Resize::Crop)]
    resize: Resize,
    /// Draw only the white part of this image anew; `alpha` is the transparent part of --init-image
    ///
    /// The rest keeps its bytes exactly. The mask has the size of --init-image. Any model can do this; those for inpainting, whose U-Net
    /// takes 9 channels, see the rest while they draw.
    #[arg(long, value_name = "FILE|alpha", group = "masked")]
    mask: Option<PathBuf>,
    /// Blur the edge of the mask, in pixels (standard deviation), so that old and new fade into each other
    #[arg(long, value_name = "PX", default_value_t = 0.0, requires = "masked", allow_hyphen_values = true)]
    mask_blur: f64,
    /// Draw the black part of the mask anew
    #[arg(long, requires = "mask")]
    invert_mask: bool,
    /// What the masked part starts from, at strengths below 1
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = FillWith::Original, requires = "masked")]
    fill: FillWith,
    /// Draw only the surroundings of the mask, at --width and --height, and scale the result back into the image: more detail for small
    /// parts. The padding around the mask is in pixels [default padding: 32]
    #[arg(long, value_name = "PADDING", num_args = 0..=1, default_missing_value = "32", requires = "mask", conflicts_with = "outpaint")]
    only_masked: Option<usize>,
    /// Extend the image by so many pixels on each side, and draw them
    #[arg(long, value_name = "TOP,RIGHT,BOTTOM,LEFT", group = "masked")]
    outpaint: Option<Sides>,
    /// For InstructPix2Pix models: how closely to follow the image; below 1 there is no guidance [default: 1.5]
    #[arg(long, value_name = "F", allow_hyphen_values = true)]
    image_guidance: Option<f64>,
    /// For depth-to-image models: an image of depths, bright is near
    #[arg(long, value_name = "FILE")]
    depth: Option<PathBuf>,
    /// Second seed, whose noise is mixed into that of --seed
    #[arg(long, value_name = "S", requires = "variation_strength", allow_hyphen_values = true)]
    variation_seed: Option<Seed>,
    /// Share of the second seed's noise, 0 to 1
    #[arg(long, value_name = "F", requires = "variation_seed", allow_hyphen_values = true)]
    variation_strength: Option<f64>,
}

/// What is under the mask before noise is added to it.
#[derive(Clone, Copy, ValueEnum)]
enum FillWith {
    /// What the image has there
    Original,
    /// The colours around it, blurred
    Blur,
    /// Noise
    Noise,
    /// Nothing
    Zero,
}

/// `TOP,RIGHT,BOTTOM,LEFT`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sides(Outpaint);

impl FromStr for Sides {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides: Option<Vec<usize>> = text.split(',').map(|side| side.trim().parse().ok()).collect();
        match sides.as_deref() {
            Some(&[top, right, bottom, left]) if [top, right, bottom, left] != [0; 4] => {
                Ok(Self(Outpaint { top, right, bottom, left }))
            }
            _ => Err("expected four numbers of pixels, such as 0,64,0,64, not all 0".into()),
        }
    }
}

impl EditFlags {
    /// Reads the images, and adds them to a request.
    pub fn add_to(&self, request: &mut Request) -> Result<(), Failure> {
        let wants_alpha = self.mask.as_deref() == Some(Path::new("alpha"));
        let image = self.init_image.as_deref().map(read_with_alpha).transpose();
        let image = image.map_err(|failure| failure.with_flag("--init-image"))?;
        let (image, alpha) = image.map_or((None, None), |(image, alpha)| (Some(image), alpha));
        let mask = match self.mask.as_deref() {
            Some(_) if wants_alpha => Some(alpha.ok_or_else(|| {
                let reason = "alpha: --init-image has no transparent part: name a file".to_string();
                Failure::from(RequestError::new(Field::Mask, reason))
            })?),
            Some(file) => Some(Mask::read(file).map_err(|error| of_flag("--mask", error))?),
            None => None,
        };
        let depth = self.depth.as_deref().map(Mask::read).transpose().map_err(|error| of_flag("--depth", error))?;
        request.inpaint = mask
            .or_else(|| self.outpaint.and(image.as_ref()).map(|image| Mask::black(image.width, image.height)))
            .map(|mask| Inpaint {
                invert: self.invert_mask,
                blur: self.mask_blur,
                fill: self.fill.fill(),
                only_masked: self.only_masked,
                ..Inpaint::new(mask)
            });
        request.init = image.map(Init::Image);
        request.strength = self.strength;
        request.resize = self.resize.fit();
        request.outpaint = self.outpaint.map(|sides| sides.0);
        request.image_guidance = self.image_guidance;
        request.depth = depth;
        request.variation = self
            .variation_seed
            .zip(self.variation_strength)
            .map(|(seed, strength)| Variation { seed: seed.number(), strength });
        Ok(())
    }
}

impl FillWith {
    fn fill(self) -> Fill {
        match self {
            Self::Original => Fill::Original,
            Self::Blur => Fill::Blur,
            Self::Noise => Fill::Noise,
            Self::Zero => Fill::Zero,
        }
    }
}

/// A failure to read the image of a flag.
fn of_flag(flag: &str, error: ImageError) -> Failure {
    Failure::new(error.to_string()).with_flag(flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_sides_are_parsed() {
        let sides = Outpaint { top: 1, right: 2, bottom: 3, left: 0 };
        assert_eq!("1,2, 3,0".parse(), Ok(Sides(sides)));
        for wrong in ["", "1", "1,2,3", "1,2,3,4,5", "0,0,0,0", "a,1,1,1", "-1,1,1,1"] {
            assert!(wrong.parse::<Sides>().is_err(), "{wrong}");
        }
    }
}
