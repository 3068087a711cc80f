use crate::{Mask, Region};

impl Mask {
    /// Returns the part of an image to draw at `width`×`height` pixels, so that all that the mask draws is in it: its bounding
    /// box with `padding` pixels around it, grown to the proportions of the size, and kept inside the image. There is none if
    /// the mask draws nothing.
    ///
    /// It is the region that diffusers and AUTOMATIC1111 choose. Where the image is too small to grow to the proportions, it
    /// reaches from edge to edge.
    ///
    /// # Panics
    ///
    /// Panics if a size is 0.
    pub fn crop_region(&self, padding: usize, width: usize, height: usize) -> Option<Region> {
        assert!(width > 0 && height > 0, "drawing at {width}×{height}");
        let found = self.bounding_box()?;
        let mut region = Region {
            left: found.left.saturating_sub(padding),
            top: found.top.saturating_sub(padding),
            right: (found.right + padding).min(self.width),
            bottom: (found.bottom + padding).min(self.height),
        };
        let ratio = width as f64 / height as f64;
        if region.width() as f64 / region.height() as f64 > ratio {
            let wanted = region.width() as f64 / ratio;
            (region.top, region.bottom) = grown(region.top, region.bottom, wanted, self.height);
        } else {
            let wanted = region.height() as f64 * ratio;
            (region.left, region.right) = grown(region.left, region.right, wanted, self.width);
        }
        Some(region)
    }
}

/// Grows a span to a length at both ends, and moves it into an image of this size.
fn grown(from: usize, to: usize, wanted: f64, size: usize) -> (usize, usize) {
    // Half a pixel may be missing, as in the references.
    let added = (wanted - (to - from) as f64) as usize;
    let length = to - from + added;
    let from = from.saturating_sub(added / 2).min(size.saturating_sub(length));
    (from, (from + length).min(size))
}
