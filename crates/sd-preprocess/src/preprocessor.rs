use sd_image::Image;
use serde::{Deserialize, Serialize};

use crate::{canny, colour_grid, lineart, pixelwise, recolour, scribble, smooth, tile};

/// What turns an image into the hint that a control network was trained with.
///
/// It is written as a name, and behind it the numbers, if they are others than the [default](crate::Entry::default):
/// `canny`, `canny:50:120`. Serde has the same text.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Preprocessor {
    /// The image as it is: a hint that was made before.
    #[default]
    None,
    /// White edges on black: Canny's (1986), with the 3×3 Sobel operator and the sum of both derivatives' magnitudes. Equal
    /// to OpenCV's `Canny` of red, green and blue, byte for byte.
    Canny {
        /// The magnitude above which a pixel continues an edge.
        low: u8,
        /// The magnitude above which a pixel begins an edge; at least `low`.
        high: u8,
    },
    /// White strokes on black, where every colour is darker than around it: the difference of two Gaussians
    /// (Winnemöller 2011), as AUTOMATIC1111's `scribble_xdog`.
    Scribble {
        /// There is a stroke where twice the difference, in steps of 255 and rounded up, is above this.
        threshold: u8,
    },
    /// Soft white lines on black, of a drawing with dark lines on white, as controlnet_aux's `lineart_standard`.
    LineartStandard,
    /// White where red, green and blue are all above a level, elsewhere black.
    Threshold {
        /// The level.
        level: u8,
    },
    /// A Gaussian blur, equal to OpenCV's `GaussianBlur` byte for byte.
    Blur {
        /// The standard deviation in pixels, above 0 and up to 64.
        sigma: f64,
    },
    /// The image without its details: made smaller by the mean of areas, as OpenCV's `INTER_AREA` byte for byte, and enlarged
    /// again with Lanczos.
    Tile {
        /// How many times smaller, 1 to 64.
        factor: f64,
    },
    /// Squares of 64×64 pixels of one colour each.
    Colour,
    /// Black for white and white for black.
    Invert,
    /// Grey: the lightness of CIE 1976 L\*a\*b\*, equal to OpenCV's byte for byte.
    Luminance {
        /// The exponent of the lightness, above 0 and up to 10: above 1 is darker.
        gamma: f64,
    },
    /// Grey: the largest of red, green and blue.
    Intensity {
        /// The exponent of the intensity, above 0 and up to 10: above 1 is darker.
        gamma: f64,
    },
    /// The image with −1 where a mask is white. The mask goes to [`Preprocessor::hint`].
    Inpaint,
}

impl Preprocessor {
    /// Returns the image as the network sees it, in the same size. [`Preprocessor::Inpaint`] leaves it as it is, because the
    /// mask is apart ([`HintImage`](crate::HintImage)).
    ///
    /// # Panics
    ///
    /// Panics if a number is [out of its range](Self::check).
    pub fn apply(&self, image: &Image) -> Image {
        if let Err(error) = self.check() {
            panic!("{error}");
        }
        match *self {
            Self::None | Self::Inpaint => image.clone(),
            Self::Canny { low, high } => canny::edges(image, low, high),
            Self::Scribble { threshold } => scribble::strokes(image, threshold),
            Self::LineartStandard => lineart::lines(image),
            Self::Threshold { level } => pixelwise::threshold(image, level),
            Self::Blur { sigma } => smooth::blur(image, sigma),
            Self::Tile { factor } => tile::resample(image, factor),
            Self::Colour => colour_grid::squares(image),
            Self::Invert => pixelwise::invert(image),
            Self::Luminance { gamma } => recolour::luminance(image, gamma),
            Self::Intensity { gamma } => recolour::intensity(image, gamma),
        }
    }

    /// Whether there must be a mask.
    pub fn needs_mask(&self) -> bool {
        matches!(self, Self::Inpaint)
    }
}
