use crate::box_blur::{FourBands, gaussian_blur};
use crate::{Image, Mask};

/// Standard deviations in pixels, and how often each blurred image is laid over those before.
const LAYERS: [(f32, usize); 6] = [(256.0, 1), (64.0, 1), (16.0, 2), (4.0, 4), (2.0, 2), (0.0, 1)];

impl Image {
    /// Fills what the mask draws with colours from around it, blurred the more the farther they are away: the `fill` of
    /// AUTOMATIC1111, byte for byte. A mask that draws everything leaves black.
    ///
    /// # Panics
    ///
    /// Panics if the sizes differ.
    #[must_use]
    pub fn fill_blurred(&self, mask: &Mask) -> Self {
        let (width, height) = (self.width, self.height);
        assert_eq!((mask.width, mask.height), (width, height), "a mask for an image of {width}×{height}");
        let (pixels, _) = self.rgb.as_chunks::<3>();
        let kept = pixels.iter().zip(&mask.values).map(|(&[red, green, blue], drawn)| {
            let alpha = 255 - drawn;
            [red, green, blue, 255].map(|byte| divide_by_255(u32::from(byte) * u32::from(alpha)))
        });
        let kept = FourBands { width, height, pixels: kept.collect() };
        let mut filled = vec![[0; 4]; width * height];
        for (sigma, times) in LAYERS {
            let blurred = (sigma > 0.0).then(|| gaussian_blur(&kept, sigma));
            for (below, pixel) in filled.iter_mut().zip(&blurred.as_ref().unwrap_or(&kept).pixels) {
                let above = divided_by_alpha(*pixel);
                (0..times).for_each(|_| *below = over(above, *below));
            }
        }
        Self { width, height, rgb: filled.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect() }
    }
}

/// The colour of a pixel that was multiplied by its alpha.
fn divided_by_alpha([red, green, blue, alpha]: [u8; 4]) -> [u8; 4] {
    if alpha == 0 {
        return [red, green, blue, alpha];
    }
    let divided = |byte: u8| (255 * u32::from(byte) / u32::from(alpha)).min(255) as u8;
    [divided(red), divided(green), divided(blue), alpha]
}

/// Lays a pixel over another, with the rounding of Pillow's `alpha_composite`.
fn over(above: [u8; 4], below: [u8; 4]) -> [u8; 4] {
    /// Bits of the parts behind the point.
    const BITS: u32 = 7;
    let [above_alpha, below_alpha] = [above[3], below[3]].map(u32::from);
    if above_alpha == 0 {
        return below;
    }
    let alpha = above_alpha * 255 + below_alpha * (255 - above_alpha);
    let part = ((above_alpha * 255 * 255) << BITS) / alpha;
    let rest = (255 << BITS) - part;
    let mixed = |i: usize| {
        let sum = u32::from(above[i]) * part + u32::from(below[i]) * rest + (0x80 << BITS);
        ((((sum >> 8) + sum) >> 8) >> BITS) as u8
    };
    [mixed(0), mixed(1), mixed(2), divide_by_255(alpha)]
}

/// Divides by 255 and rounds.
fn divide_by_255(value: u32) -> u8 {
    ((value + 127) / 255) as u8
}
