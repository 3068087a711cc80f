use crate::Image;

/// Which pixels of an image are drawn anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// `height·width` values, row by row from the top: 0 keeps a pixel, 255 draws it anew.
    pub values: Vec<u8>,
}

impl Mask {
    /// Makes a mask that keeps everything.
    pub fn black(width: usize, height: usize) -> Self {
        Self { width, height, values: vec![0; width * height] }
    }

    /// Makes a mask of the luma of an image (ITU-R 601, rounded as in Pillow): white is drawn anew.
    pub fn from_luma(image: &Image) -> Self {
        let luma = |pixel: &[u8]| {
            let [red, green, blue] = [0, 1, 2].map(|colour| u32::from(pixel[colour]));
            // The weights 0.299, 0.587 and 0.114, times 2¹⁶.
            ((19_595 * red + 38_470 * green + 7_471 * blue + (1 << 15)) >> 16) as u8
        };
        Self { width: image.width, height: image.height, values: image.rgb.chunks_exact(3).map(luma).collect() }
    }

    /// Returns the mask as an image in greys: its luma is the mask.
    pub fn to_image(&self) -> Image {
        let rgb = self.values.iter().flat_map(|value| [*value; 3]).collect();
        Image { width: self.width, height: self.height, rgb }
    }

    /// Returns the mask that keeps what this one draws, and draws what this one keeps.
    #[must_use]
    pub fn invert(&self) -> Self {
        self.map(|value| 255 - value)
    }

    /// Returns the mask with 255 where this one has 128 or more, and 0 elsewhere.
    #[must_use]
    pub fn binarise(&self) -> Self {
        self.map(|value| if value >= 128 { 255 } else { 0 })
    }

    /// Returns the mask with twice the values, at most 255. A blurred mask then reaches 255 where the one before began.
    #[must_use]
    pub fn doubled(&self) -> Self {
        self.map(|value| value.saturating_mul(2))
    }

    fn map(&self, value: impl Fn(u8) -> u8) -> Self {
        Self { values: self.values.iter().map(|old| value(*old)).collect(), width: self.width, height: self.height }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_the_luma_of_its_image() {
        let mask = Mask { width: 256, height: 1, values: (0..=255).collect() };
        assert_eq!(Mask::from_luma(&mask.to_image()), mask);
    }

    #[test]
    fn a_mask_is_inverted_and_binarised() {
        let mask = Mask { width: 2, height: 2, values: vec![0, 127, 128, 255] };
        assert_eq!(mask.invert().values, [255, 128, 127, 0]);
        assert_eq!(mask.binarise().values, [0, 0, 255, 255]);
    }

    #[test]
    fn grey_is_its_own_luma() {
        let image = Image { width: 256, height: 1, rgb: (0..=255).flat_map(|value| [value; 3]).collect() };
        assert_eq!(Mask::from_luma(&image).values, (0..=255).collect::<Vec<u8>>());
    }
}
