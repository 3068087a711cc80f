use crate::pixels::Pixels;
use crate::{Image, Mask};

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region {
    /// The first column.
    pub left: usize,
    /// The first row.
    pub top: usize,
    /// The column behind the last one.
    pub right: usize,
    /// The row behind the last one.
    pub bottom: usize,
}

impl Region {
    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.right - self.left
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.bottom - self.top
    }
}

impl Image {
    /// Returns a part of the image.
    ///
    /// # Panics
    ///
    /// Panics if the region is not in the image.
    pub fn crop(&self, region: Region) -> Self {
        crop(self, region)
    }

    /// Puts an image in place of a part of this one, whose first pixel is at `left` and `top`.
    ///
    /// # Panics
    ///
    /// Panics if `part` reaches beyond this image.
    pub fn paste(&mut self, part: &Self, left: usize, top: usize) {
        paste(self, part, left, top);
    }
}

impl Mask {
    /// Returns a part of the mask.
    ///
    /// # Panics
    ///
    /// Panics if the region is not in the mask.
    pub fn crop(&self, region: Region) -> Self {
        crop(self, region)
    }

    /// Puts a mask in place of a part of this one, whose first pixel is at `left` and `top`.
    ///
    /// # Panics
    ///
    /// Panics if `part` reaches beyond this mask.
    pub fn paste(&mut self, part: &Self, left: usize, top: usize) {
        paste(self, part, left, top);
    }

    /// Returns the smallest region with all values above 0, if there are any.
    pub fn bounding_box(&self) -> Option<Region> {
        let has_any = |row: &[u8]| row.iter().any(|value| *value > 0);
        let top = self.rows().position(has_any)?;
        let bottom = self.height - self.rows().rev().position(has_any)?;
        let columns = (0..self.width).filter(|x| self.rows().any(|row| row[*x] > 0));
        let (left, last) = columns.fold((self.width, 0), |(first, _), x| (first.min(x), x));
        Some(Region { left, top, right: last + 1, bottom })
    }
}

pub fn crop<P: Pixels>(source: &P, region: Region) -> P {
    let (width, height) = source.size();
    assert!(
        region.left < region.right && region.right <= width && region.top < region.bottom && region.bottom <= height,
        "{region:?} of an image of {width}×{height}"
    );
    let rows = source.rows().skip(region.top).take(region.height());
    let bytes = rows.flat_map(|row| &row[region.left * P::CHANNELS..region.right * P::CHANNELS]).copied().collect();
    P::new(region.width(), region.height(), bytes)
}

pub fn paste<P: Pixels>(target: &mut P, part: &P, left: usize, top: usize) {
    let ((width, height), (part_width, part_height)) = (target.size(), part.size());
    assert!(
        left + part_width <= width && top + part_height <= height,
        "an image of {part_width}×{part_height} at {left}, {top} of one of {width}×{height}"
    );
    for (row, new) in target.bytes_mut().chunks_exact_mut(width * P::CHANNELS).skip(top).zip(part.rows()) {
        row[left * P::CHANNELS..][..new.len()].copy_from_slice(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        Image { width: 5, height: 4, rgb: (0..60).collect() }
    }

    #[test]
    fn a_part_that_is_cut_out_and_put_back_changes_nothing() {
        let region = Region { left: 1, top: 2, right: 4, bottom: 4 };
        let part = image().crop(region);
        assert_eq!((part.width, part.height, &part.rgb[..3]), (3, 2, &[33, 34, 35][..]));
        let mut pasted = image();
        pasted.paste(&part, region.left, region.top);
        assert_eq!(pasted, image());
        pasted.paste(&part, 0, 0);
        assert_ne!(pasted, image());
        assert_eq!(pasted.crop(Region { left: 0, top: 0, right: 3, bottom: 2 }), part);
    }

    #[test]
    fn the_bounding_box_has_every_value_that_is_drawn() {
        let mut mask = Mask { width: 6, height: 5, values: vec![0; 30] };
        assert_eq!(mask.bounding_box(), None);
        mask.values[6 + 4] = 1;
        assert_eq!(mask.bounding_box(), Some(Region { left: 4, top: 1, right: 5, bottom: 2 }));
        mask.values[3 * 6 + 2] = 255;
        assert_eq!(mask.bounding_box(), Some(Region { left: 2, top: 1, right: 5, bottom: 4 }));
    }
}
