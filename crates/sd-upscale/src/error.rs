use std::path::PathBuf;

use sd_device::DType;
use sd_weights::WeightsError;

/// Pixels of the largest image that is made: a gigabyte and a half of bytes.
pub(crate) const MOST_PIXELS: usize = 500_000_000;

/// Why an image could not be enlarged: one line that names the culprit and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpscaleError {
    /// The file of the network cannot be read, or its weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The file holds a network of another kind, or no network for images at all.
    #[error("{}: this is {found}: use a network of ESRGAN or Real-ESRGAN (RRDBNet or SRVGGNetCompact)", file.display())]
    Architecture {
        /// The file.
        file: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// The network is of a supported kind, but not of a supported form.
    #[error("{}: {reason}", file.display())]
    Unsupported {
        /// The file.
        file: PathBuf,
        /// What is not supported.
        reason: String,
    },
    /// The device does not have the precision.
    #[error("this device does not compute in {dtype}: use `dtype` f32")]
    Precision {
        /// The precision that was asked for.
        dtype: DType,
    },
    /// The enlarged image would have too many pixels.
    #[error(
        "the image would have {width}×{height} pixels, more than {} million: use a smaller `scale`",
        MOST_PIXELS / 1_000_000
    )]
    TooLarge {
        /// The width that it would have.
        width: usize,
        /// The height that it would have.
        height: usize,
    },
    /// The scale is no number that an image can be enlarged by.
    #[error("`scale` {scale}: {reason}")]
    Scale {
        /// The scale that was asked for.
        scale: f64,
        /// What is wrong with it.
        reason: String,
    },
    /// The tiles are too small for their overlap.
    #[error("`tile` {tile}: too small for tiles that overlap, expected at least {least}, or 0 for the whole image")]
    Tile {
        /// The side that was asked for, in pixels of the input.
        tile: usize,
        /// The least possible side.
        least: usize,
    },
    /// The network's output contains infinities or NaN.
    #[error("the network's image is not finite: use `dtype` f32, and if it is f32 already, check the weights")]
    NotFinite,
    /// A callback ended the work.
    #[error("cancelled after {done} of {total} parts")]
    Cancelled {
        /// Parts of the work that were done.
        done: usize,
        /// All parts.
        total: usize,
    },
}

impl UpscaleError {
    /// Whether the request itself is at fault, rather than the files or the machine.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Precision { .. } | Self::TooLarge { .. } | Self::Scale { .. } | Self::Tile { .. })
    }

    /// Whether a callback ended the work.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled { .. })
    }
}
