use sd_image::{Filter, Fit, Image, Mask, Region};
use serde::{Deserialize, Serialize};

/// How a drawn image is put back into the image of which it shows a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// The whole image.
    pub image: Image,
    /// The new share of each of its pixels: 0 keeps its bytes exactly.
    pub mask: Mask,
    /// The part of the image that was drawn.
    pub region: Region,
    /// Where this part is in the drawn image.
    pub drawn: Region,
}

impl Overlay {
    /// Whether its parts fit each other and a drawn image of this width and height.
    pub(crate) fn fits(&self, drawn: (usize, usize)) -> bool {
        let inside = |region: &Region, width: usize, height: usize| {
            region.left < region.right && region.right <= width && region.top < region.bottom && region.bottom <= height
        };
        inside(&self.region, self.image.width, self.image.height)
            && inside(&self.drawn, drawn.0, drawn.1)
            && (self.mask.width, self.mask.height) == (self.image.width, self.image.height)
    }

    /// Returns the whole image with its new part.
    ///
    /// # Panics
    ///
    /// Panics if the drawn image is smaller than [`drawn`](Self::drawn), or if the region is not inside the image.
    pub fn apply(&self, drawn: &Image) -> Image {
        let (width, height) = (self.region.width(), self.region.height());
        let part = drawn.crop(self.drawn).fit(width, height, Fit::Crop, Filter::Lanczos);
        let mut new = self.image.clone();
        new.paste(&part, self.region.left, self.region.top);
        self.image.composite(&new, &self.mask)
    }
}
