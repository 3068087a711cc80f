use sd_image::Image;

use crate::gradient::{Gradient, gradients};

/// White edges on black, as OpenCV's `Canny` finds them.
pub fn edges(image: &Image, low: u8, high: u8) -> Image {
    let map = Map::new(image);
    let is_candidate = map.ridges(i32::from(low));
    let mut is_edge = vec![false; is_candidate.len()];
    // Edges begin at steep ridges, and go on along ridges that touch them.
    let is_steep = |at: &usize| is_candidate[*at] && map.magnitudes[*at] > i32::from(high);
    let mut open: Vec<usize> = (0..is_candidate.len()).filter(is_steep).collect();
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut is_edge[at], true) {
            open.extend(map.neighbours(at).into_iter().filter(|next| is_candidate[*next] && !is_edge[*next]));
        }
    }
    let rows = is_edge.chunks_exact(map.stride).skip(1).take(image.height);
    let bytes = rows.flat_map(|row| &row[1..=image.width]).flat_map(|is_edge| [if *is_edge { 255 } else { 0 }; 3]);
    Image { width: image.width, height: image.height, rgb: bytes.collect() }
}

/// The gradients of an image, with a border of one flat pixel, so that each pixel has eight neighbours.
struct Map {
    stride: usize,
    gradients: Vec<Gradient>,
    magnitudes: Vec<i32>,
}

impl Map {
    fn new(image: &Image) -> Self {
        let stride = image.width + 2;
        let flat = Gradient { dx: 0, dy: 0 };
        let mut all = vec![flat; stride * (image.height + 2)];
        for (i, gradient) in gradients(image).enumerate() {
            all[(i / image.width + 1) * stride + i % image.width + 1] = gradient;
        }
        let magnitudes = all.iter().map(|gradient| gradient.magnitude()).collect();
        Self { stride, gradients: all, magnitudes }
    }

    /// Which pixels are steeper than `low`, and than both neighbours across the edge.
    fn ridges(&self, low: i32) -> Vec<bool> {
        let is_ridge = |at: usize| self.magnitudes[at] > low && self.is_ridge(at);
        (0..self.magnitudes.len()).map(is_ridge).collect()
    }

    /// Whether a pixel, which is not flat, is steeper than its neighbours in the direction of its gradient, of which there are
    /// four: of neighbours as steep as each other in a row or a column, the first one is the ridge, and in a diagonal none.
    fn is_ridge(&self, at: usize) -> bool {
        /// The tangent of 22.5°, times 2¹⁵; that of 67.5° is larger by 2.
        const TANGENT: i32 = 13_573;
        let Gradient { dx, dy } = self.gradients[at];
        let (low, high) = (dx.abs() * TANGENT, dx.abs() * (TANGENT + (2 << 15)));
        let (slope, magnitude) = (dy.abs() << 15, self.magnitudes[at]);
        let is_between = |before: usize, behind: usize| {
            magnitude > self.magnitudes[at - before] && magnitude >= self.magnitudes[at + behind]
        };
        if slope < low {
            is_between(1, 1)
        } else if slope > high {
            is_between(self.stride, self.stride)
        } else {
            let diagonal = if (dx ^ dy) < 0 { self.stride - 1 } else { self.stride + 1 };
            is_between(diagonal, diagonal) && magnitude > self.magnitudes[at + diagonal]
        }
    }

    fn neighbours(&self, at: usize) -> [usize; 8] {
        let (above, below) = (at - self.stride, at + self.stride);
        [above - 1, above, above + 1, at - 1, at + 1, below - 1, below, below + 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, height: usize, byte: impl Fn(usize, usize) -> u8) -> Image {
        let bytes = (0..width * height).flat_map(|i| [byte(i % width, i / width); 3]);
        Image { width, height, rgb: bytes.collect() }
    }

    fn white(image: &Image) -> Vec<(usize, usize)> {
        let pixels = image.rgb.chunks(3).enumerate().filter(|(_, pixel)| pixel[0] == 255);
        pixels.map(|(i, _)| (i % image.width, i / image.width)).collect()
    }

    #[test]
    fn a_step_is_a_line_of_one_pixel() {
        let step = grey(8, 5, |x, _| if x < 4 { 40 } else { 200 });
        assert_eq!(white(&edges(&step, 100, 200)), [0, 1, 2, 3, 4].map(|y| (3, y)));
    }

    /// A step that fades from top to bottom: its magnitude is 4 times its height.
    #[test]
    fn an_edge_goes_on_where_it_is_above_the_low_threshold_only() {
        let fading = grey(9, 60, |x, y| if x < 4 { 0 } else { 60 - y as u8 });
        let length = |low, high| white(&edges(&fading, low, high)).len();
        assert_eq!(length(255, 255), 0);
        assert!(length(100, 200) > length(200, 200) + 20, "{} {}", length(100, 200), length(200, 200));
    }

    #[test]
    fn black_edges_of_black_images() {
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2)] {
            let plain = grey(width, height, |_, _| 77);
            assert_eq!(edges(&plain, 0, 0), grey(width, height, |_, _| 0));
        }
    }
}
