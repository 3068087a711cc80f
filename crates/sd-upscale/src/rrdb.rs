use burn::nn::conv::Conv2d;
use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::convolve;

use crate::UpscaleError;
use crate::dense::{Rrdb, activate, conv3x3};
use crate::enlarge::repeat_pixels;
use crate::shuffle::unshuffle;

/// Rows of features beyond a band on which the band's pixels depend, at any scale.
const MARGIN: usize = 2;
/// Values of the largest tensor behind the blocks: 64 MB in single precision.
pub(crate) const BAND: usize = 1 << 24;
/// A band is at least this high, so that its margins are not most of the work.
const LEAST_ROWS: usize = 16;

/// Configuration of an [`RrdbNet`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct RrdbNetConfig {
    /// Channels of the features.
    #[config(default = 64)]
    pub channels: usize,
    /// Channels that each convolution of a dense block adds.
    #[config(default = 32)]
    pub growth: usize,
    /// Number of blocks of three dense blocks each.
    #[config(default = 23)]
    pub blocks: usize,
    /// How often the features are enlarged to twice the size.
    #[config(default = 2)]
    pub doublings: usize,
    /// Side of the square of pixels that becomes one place of the features: 1, 2 or 4. Real-ESRGAN's networks for ×2 and ×1
    /// have 2 and 4.
    #[config(default = 1)]
    pub unshuffle: usize,
    /// Whether dense blocks have the additional residuals of ESRGAN+.
    #[config(default = false)]
    pub is_plus: bool,
}

impl RrdbNetConfig {
    /// The factor between the sides of the output and of the input.
    pub fn scale(&self) -> usize {
        (1 << self.doublings) / self.unshuffle
    }

    /// Creates the network on `device`, with random weights.
    pub fn init(&self, device: &Device) -> RrdbNet {
        let channels = self.channels;
        let conv = |from, to| conv3x3(from, to, device);
        let block = |_| Rrdb::new(channels, self.growth, self.is_plus, device);
        RrdbNet {
            conv_first: conv(3 * self.unshuffle * self.unshuffle, channels),
            body: (0..self.blocks).map(block).collect(),
            conv_body: conv(channels, channels),
            conv_up: (0..self.doublings).map(|_| conv(channels, channels)).collect(),
            conv_hr: conv(channels, channels),
            conv_last: conv(channels, 3),
            config: self.clone(),
        }
    }
}

/// RRDBNet, the network of ESRGAN (Wang et al. 2018) and Real-ESRGAN.
#[derive(Module, Debug)]
pub struct RrdbNet {
    conv_first: Conv2d,
    body: Vec<Rrdb>,
    conv_body: Conv2d,
    conv_up: Vec<Conv2d>,
    conv_hr: Conv2d,
    conv_last: Conv2d,
    #[module(skip)]
    config: RrdbNetConfig,
}

impl RrdbNet {
    /// Returns an image of [`scale`](RrdbNetConfig::scale) times the size.
    ///
    /// # Shapes
    ///
    /// - x: `[1, 3, height, width]`, from 0 to 1; height and width multiples of [`unshuffle`](RrdbNetConfig::unshuffle)
    /// - output: `[1, 3, scale·height, scale·width]`, about 0 to 1
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.forward_with(x, &mut || Ok(())).expect("nothing stops it")
    }

    /// As [`forward`](Self::forward), and calls `advance` after each of [`steps`](Self::steps) parts of the work.
    pub(crate) fn forward_with(
        &self,
        x: Tensor<4>,
        advance: &mut dyn FnMut() -> Result<(), UpscaleError>,
    ) -> Result<Tensor<4>, UpscaleError> {
        let first = convolve(&self.conv_first, unshuffle(x, self.config.unshuffle));
        let mut features = first.clone();
        for block in &self.body {
            features = block.forward(features);
            advance()?;
        }
        let features = convolve(&self.conv_body, features) + first;
        let image = self.enlarge_by_bands(features);
        advance()?;
        Ok(image)
    }

    /// Number of parts that the work of one call is reported in.
    pub(crate) fn steps(&self) -> usize {
        self.body.len() + 1
    }

    /// Enlarges features band by band, because they take 16 times the memory at ×4. Each band has all the rows that its pixels
    /// depend on, so the result is the same.
    fn enlarge_by_bands(&self, features: Tensor<4>) -> Tensor<4> {
        let [_, channels, height, width] = features.dims();
        let scale = 1 << self.config.doublings;
        let rows = (BAND / (channels * width * scale * scale)).max(LEAST_ROWS);
        if rows >= height {
            return self.enlarge(features);
        }
        let band = |top: usize| {
            let bottom = (top + rows).min(height);
            let (above, below) = (top.saturating_sub(MARGIN), (bottom + MARGIN).min(height));
            let band = self.enlarge(features.clone().narrow(2, above, below - above));
            band.narrow(2, (top - above) * scale, (bottom - top) * scale)
        };
        Tensor::cat((0..height).step_by(rows).map(band).collect(), 2)
    }

    fn enlarge(&self, features: Tensor<4>) -> Tensor<4> {
        let up = |x: Tensor<4>, conv| activate(convolve(conv, repeat_pixels(x, 2)));
        let features = self.conv_up.iter().fold(features, up);
        convolve(&self.conv_last, activate(convolve(&self.conv_hr, features)))
    }

    /// The precision in which images are expected.
    pub fn dtype(&self) -> DType {
        self.conv_first.bias.as_ref().expect("it has a bias").dtype()
    }

    /// The network's configuration.
    pub fn config(&self) -> &RrdbNetConfig {
        &self.config
    }
}
