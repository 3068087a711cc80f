use crate::UpscaleError;
use crate::network::NetworkConfig;
use crate::rrdb::BAND;
use crate::tiles::{MARGIN, OVERLAP, Tiles};

/// Whether an image is enlarged as a whole or in tiles.
///
/// Every output pixel of Real-ESRGAN's ×4 depends on input pixels up to 350 places away, but hardly on those beyond 50. Of what
/// tiles share, 96 pixels, the 32 at an inner edge are dropped, and over the next 32 a tile passes into its neighbour.
/// docs/performance.md has the differences from the whole image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Tile {
    /// As a whole up to [`Tile::LARGEST_WHOLE`] pixels, else in tiles of [`Tile::SIDE`].
    #[default]
    Auto,
    /// As a whole.
    Whole,
    /// In tiles of at most this many pixels of the input on each side.
    Side(usize),
}

impl Tile {
    /// Width and height of automatic tiles, in pixels of the input.
    pub const SIDE: usize = 512;
    /// Pixels of the largest image that is enlarged as a whole by default: 768×768.
    pub const LARGEST_WHOLE: usize = 768 * 768;
    /// The least side of a tile, in pixels.
    pub const LEAST: usize = OVERLAP + MARGIN;

    pub(crate) fn check(self) -> Result<(), UpscaleError> {
        match self {
            Self::Side(tile) if tile < Self::LEAST => Err(UpscaleError::Tile { tile, least: Self::LEAST }),
            _ => Ok(()),
        }
    }
}

impl NetworkConfig {
    /// The tiles of an image, along its width and its height.
    pub(crate) fn tiles(&self, width: usize, height: usize, tile: Tile) -> [Tiles; 2] {
        let multiple = self.multiple();
        let [width, height] = [width, height].map(|side| side.next_multiple_of(multiple));
        let side = match tile {
            Tile::Auto if width.saturating_mul(height) > Tile::LARGEST_WHOLE => Tile::SIDE,
            Tile::Auto | Tile::Whole => usize::MAX,
            Tile::Side(side) => side / multiple * multiple,
        };
        [width, height].map(|length| Tiles::new(length, side, multiple))
    }

    /// Estimates the memory for enlarging an image, in bytes, without the weights.
    pub(crate) fn memory(&self, width: usize, height: usize, tile: Tile) -> usize {
        let [columns, rows] = self.tiles(width, height, tile);
        let pixels = columns.length().saturating_mul(rows.length());
        let scale = self.scale();
        let output = width.saturating_mul(height).saturating_mul(scale * scale);
        let network = match self {
            Self::Rrdb(config) => {
                let places = pixels / (config.unshuffle * config.unshuffle);
                let dense = places.saturating_mul(2 * (config.channels + 4 * config.growth) + 3 * config.channels);
                // Measured: 340 MB with the weights for Real-ESRGAN's ×4 at 256×256, estimated 331.
                let band = places.saturating_mul(config.channels << (2 * config.doublings)).min(BAND);
                dense.max(places.saturating_mul(2 * config.channels).saturating_add(3 * band)).saturating_mul(4)
            }
            Self::Compact(config) => pixels.saturating_mul(4 * (3 * config.channels + 2 * 3 * scale * scale)),
        };
        // A tile's output as it is computed and as it is summed, and the bytes of the image.
        network.saturating_add(pixels.saturating_mul(2 * 12 * scale * scale)).saturating_add(3 * output)
    }
}
