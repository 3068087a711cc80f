/// How an image was made to fit: what Stable Diffusion XL is told of it (Podell et al. 2023, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Framing {
    /// Height and width of the whole image, before it was scaled.
    original: [usize; 2],
    /// Rows above and columns left of what is shown, in the scaled image.
    crop: [usize; 2],
}

impl Framing {
    /// The framing of an image of `width` and `height`, of which the part at `left`, `top` was multiplied by `scale`.
    pub fn new([width, height]: [usize; 2], [left, top]: [usize; 2], scale: f64) -> Self {
        let scaled = |place: usize| (place as f64 * scale).round() as usize;
        Self { original: [height, width], crop: [scaled(top), scaled(left)] }
    }

    /// Returns XL's numbers for an image that has `width` and `height` now.
    pub fn time_ids(self, width: usize, height: usize) -> [f64; 6] {
        let Self { original: [was_high, was_wide], crop: [top, left] } = self;
        [was_high, was_wide, top, left, height, width].map(|pixels| pixels as f64)
    }
}
