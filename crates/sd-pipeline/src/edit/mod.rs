//! What a request says about images that are changed rather than drawn from nothing.

mod depth;
mod hires;
mod overlay;

use sd_image::{Image, Mask};
use sd_ops::Wrap;
use serde::{Deserialize, Serialize};

pub(crate) use self::depth::depth_channel;
pub use self::hires::{Hires, Upscaler};
pub use self::overlay::Overlay;
use crate::Latents;

/// The beginning of a drawing, if it is not noise alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Init {
    /// An image, which is encoded.
    Image(Image),
    /// Finished latents, as in [`GeneratedImage::latents`](crate::GeneratedImage::latents).
    Latents(Latents),
    /// Latents of a drawing that [ended early](crate::Request::denoising_end). No noise is added to them.
    Unfinished(Latents),
}

/// The part of an image that is drawn anew.
///
/// Outside the blurred mask the result has the bytes of the image, exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inpaint {
    /// White is drawn anew and black is kept; of the size of the image.
    pub mask: Mask,
    /// Whether to keep the white part instead.
    #[serde(default)]
    pub invert: bool,
    /// Standard deviation of the Gaussian blur of the mask, in pixels, at least 0.
    ///
    /// The blurred mask is wider than the mask, so that the old image fades into the new one: of a blurred value v, the share
    /// min(2·v, 1) is new.
    #[serde(default)]
    pub blur: f64,
    /// What the masked part is before it is drawn.
    #[serde(default)]
    pub fill: Fill,
    /// Draws only the surroundings of the mask, with so many pixels of padding, at the size of the request. The result is scaled
    /// back into the image. None draws the whole image.
    #[serde(default)]
    pub only_masked: Option<usize>,
}

impl Inpaint {
    /// Draws the white part of `mask` anew.
    pub fn new(mask: Mask) -> Self {
        Self { mask, invert: false, blur: 0.0, fill: Fill::Original, only_masked: None }
    }
}

/// What the masked part of an image is before noise is added to it. It matters for strengths below 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fill {
    /// What the image has there.
    #[default]
    Original,
    /// The colours around it, blurred.
    Blur,
    /// Latents of noise.
    Noise,
    /// Latents of zeros.
    Zero,
}

/// Pixels by which an image is extended on each side. They are filled with its stretched edge, and drawn anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outpaint {
    /// Above the image.
    pub top: usize,
    /// To its right.
    pub right: usize,
    /// Below it.
    pub bottom: usize,
    /// To its left.
    pub left: usize,
}

/// Which edges of an image continue at the opposite edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seamless {
    /// None.
    #[default]
    No,
    /// The left and the right one.
    X,
    /// The upper and the lower one.
    Y,
    /// All.
    Both,
}

impl Seamless {
    /// The edges around which the networks' convolutions wrap; none for [`No`](Self::No).
    pub(crate) fn wrap(self) -> Option<Wrap> {
        match self {
            Self::No => None,
            Self::X => Some(Wrap { x: true, y: false }),
            Self::Y => Some(Wrap { x: false, y: true }),
            Self::Both => Some(Wrap { x: true, y: true }),
        }
    }
}

/// A second seed, whose noise is mixed into that of the first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variation {
    /// The second seed.
    pub seed: u64,
    /// Its share, from 0 to 1: the noises are interpolated on the sphere (AUTOMATIC1111's `slerp`).
    pub strength: f64,
}
