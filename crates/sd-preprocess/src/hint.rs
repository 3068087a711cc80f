use sd_image::{Filter, Fit, Image, Mask};

use crate::{PreprocessError, Preprocessor};

/// What a control network sees: an image of the drawing's size, perhaps with a mask in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintImage {
    /// The image.
    pub image: Image,
    /// As large as the image: values of 128 and more stand for −1.
    pub mask: Option<Mask>,
}

impl HintImage {
    /// Makes a hint of a ready image.
    pub fn new(image: Image) -> Self {
        Self { image, mask: None }
    }

    /// Returns the red, the green and the blue plane, each row by row: `[3, height, width]`, from 0 to 1, and −1 where the
    /// mask is white. These are the values of diffusers' control images.
    pub fn to_planes(&self) -> Vec<f32> {
        let value = |i: usize, colour: usize| match self.is_masked(i) {
            true => -1.0,
            false => f32::from(self.image.rgb[3 * i + colour]) / 255.0,
        };
        let size = self.image.width * self.image.height;
        (0..3).flat_map(|colour| (0..size).map(move |i| value(i, colour))).collect()
    }

    /// Returns an image to look at, in which the masked part is black.
    pub fn to_image(&self) -> Image {
        let mut image = self.image.clone();
        for (i, pixel) in image.rgb.chunks_exact_mut(3).enumerate() {
            if self.is_masked(i) {
                pixel.fill(0);
            }
        }
        image
    }

    fn is_masked(&self, i: usize) -> bool {
        self.mask.as_ref().is_some_and(|mask| mask.values[i] >= 128)
    }
}

impl Preprocessor {
    /// Makes the hint for a drawing: brings the image, and its mask, to the drawing's size as an image to start from, with
    /// Lanczos, and then [applies](Self::apply) the preprocessor.
    ///
    /// # Errors
    ///
    /// [`PreprocessError`], for numbers out of range, and for a mask that is missing, unused or not as large as the image.
    ///
    /// # Panics
    ///
    /// Panics if a size is 0.
    pub fn hint(
        &self,
        image: &Image,
        mask: Option<&Mask>,
        width: usize,
        height: usize,
        fit: Fit,
    ) -> Result<HintImage, PreprocessError> {
        self.check()?;
        match mask {
            None if self.needs_mask() => return Err(PreprocessError::MissingMask),
            Some(_) if !self.needs_mask() => return Err(PreprocessError::UnusedMask { name: self.entry().name }),
            Some(mask) if (mask.width, mask.height) != (image.width, image.height) => {
                let (mask, image) = ((mask.width, mask.height), (image.width, image.height));
                return Err(PreprocessError::MaskSize { mask, image });
            }
            _ => {}
        }
        let image = self.apply(&image.fit(width, height, fit, Filter::Lanczos));
        Ok(HintImage { image, mask: mask.map(|mask| mask.fit(width, height, fit, Filter::Lanczos)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula of AUTOMATIC1111's `inpaint`: image · (1 − mask) − mask, with a mask of zeros and ones.
    #[test]
    fn the_hint_is_minus_one_where_the_mask_is_white() {
        let image = Image { width: 2, height: 2, rgb: (0..12).map(|i| i * 20).collect() };
        let mask = Mask { width: 2, height: 2, values: vec![0, 127, 128, 255] };
        let hint = Preprocessor::Inpaint.hint(&image, Some(&mask), 2, 2, Fit::Crop).unwrap();
        let ones = [0.0, 0.0, 1.0, 1.0];
        let formula =
            |i: usize, colour: usize| f32::from(image.rgb[3 * i + colour]) / 255.0 * (1.0 - ones[i]) - ones[i];
        let wanted: Vec<f32> = (0..12).map(|i| formula(i % 4, i / 4)).collect();
        assert_eq!(hint.to_planes(), wanted);
        assert_eq!(hint.to_image().rgb, [&image.rgb[..6], &[0; 6]].concat());
        assert_eq!(HintImage::new(image.clone()).to_image(), image);
    }

    #[test]
    fn image_and_mask_are_cut_alike() {
        let grey = |i: usize| if i % 6 < 3 { 255 } else { 0 };
        let image = Image { width: 6, height: 3, rgb: (0..54).map(|i| grey(i / 3)).collect() };
        let hint = Preprocessor::Inpaint.hint(&image, Some(&Mask::from_luma(&image)), 16, 16, Fit::Crop).unwrap();
        assert_eq!(hint.mask.as_ref().map(|mask| (mask.width, mask.height)), Some((16, 16)));
        assert!(
            hint.to_planes().chunks(16).all(|row| row[..8] == [-1.0; 8] && row[8..].iter().all(|value| *value >= 0.0))
        );
    }

    #[test]
    fn masks_must_be_needed_and_fit() {
        let image = Image { width: 2, height: 1, rgb: vec![9; 6] };
        let hint = |preprocessor: Preprocessor, mask: Option<Mask>| {
            preprocessor.hint(&image, mask.as_ref(), 8, 8, Fit::Pad).map_err(|error| error.to_string())
        };
        assert_eq!(hint(Preprocessor::Inpaint, None).unwrap_err(), "`inpaint` needs a mask: white is the part to draw");
        let error = hint(Preprocessor::Inpaint, Some(Mask::black(1, 2))).unwrap_err();
        assert_eq!(error, "the mask is 1×2, but the image is 2×1: make them of one size");
        let error = hint(Preprocessor::Invert, Some(Mask::black(2, 1))).unwrap_err();
        assert_eq!(error, "`invert` uses no mask: leave it out, or take `inpaint`");
        let error = hint(Preprocessor::Blur { sigma: f64::NAN }, None).unwrap_err();
        assert_eq!(error, "`blur`: the sigma is NaN, expected a number of pixels above 0 and up to 64");
    }
}
