use crate::Image;

/// Pale blue paper and a dark blue pencil. The built-in model's autoencoder, which has seen painted scenes only, turns white paper lilac
/// and graphite green, but it keeps these.
const PAPER: [i32; 3] = [225, 235, 250];
const PENCIL: [i32; 3] = [15, 20, 80];

/// Returns an image as a drawing with a blue pencil: shaded as the image is dark, with outlines on the darker side of each edge.
///
/// The shading has no strokes, which are narrower than a latent of the autoencoder (4 pixels) and would be lost. All numbers are integers,
/// so that a drawing has the same pixels everywhere.
pub fn pencil(image: &Image) -> Image {
    let drawing = Drawing { rgb: &image.rgb, pixels: image.pixels };
    let places = (0..drawing.pixels).flat_map(|y| (0..drawing.pixels).map(move |x| [x, y]));
    let rgb = places.flat_map(|place| {
        let pressure = ((90 * drawing.shade(place) + 60 * drawing.outline(place)) / 100).min(255);
        [0, 1, 2].map(|colour| (PAPER[colour] - (PAPER[colour] - PENCIL[colour]) * pressure / 255) as u8)
    });
    Image { pixels: image.pixels, rgb: rgb.collect() }
}

/// The image that is drawn.
struct Drawing<'a> {
    rgb: &'a [u8],
    pixels: usize,
}

impl Drawing<'_> {
    fn at(&self, [x, y]: [usize; 2]) -> [i32; 3] {
        let first = 3 * (y * self.pixels + x);
        [0, 1, 2].map(|colour| i32::from(self.rgb[first + colour]))
    }

    /// How dark a pixel is, 0 to 255.
    fn shade(&self, place: [usize; 2]) -> i32 {
        let [red, green, blue] = self.at(place);
        255 - (299 * red + 587 * green + 114 * blue) / 1000
    }

    /// How much darker one of a pixel's colours is than that of the brightest neighbour, 0 to 255.
    fn outline(&self, [x, y]: [usize; 2]) -> i32 {
        let near = |place: usize| place.saturating_sub(1)..=(place + 1).min(self.pixels - 1);
        let own = self.at([x, y]);
        let neighbours = near(y).flat_map(|y| near(x).map(move |x| [x, y]));
        let darker = neighbours.flat_map(|place| {
            let other = self.at(place);
            [0, 1, 2].map(|colour| other[colour] - own[colour])
        });
        darker.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reds of the drawing of a grey image.
    fn drawn(grey: impl Fn(usize) -> u8) -> Vec<u8> {
        let rgb = (0..64).flat_map(|at| [grey(at % 8); 3]).collect();
        pencil(&Image { pixels: 8, rgb }).rgb.iter().step_by(3).copied().collect()
    }

    #[test]
    fn white_is_paper_and_black_nearly_all_pencil() {
        assert!(pencil(&Image { pixels: 8, rgb: vec![255; 192] }).rgb.chunks(3).all(|rgb| rgb == [225, 235, 250]));
        // The pressure is nine tenths of 255: 229.
        assert!(pencil(&Image { pixels: 8, rgb: vec![0; 192] }).rgb.chunks(3).all(|rgb| rgb == [37, 42, 98]));
    }

    #[test]
    fn an_edge_is_a_line_of_one_pixel_on_its_darker_side() {
        // A shade of 40 is a pressure of 36, and on the line 24 more.
        assert_eq!(drawn(|x| if x < 4 { 255 } else { 215 })[..8], [225, 225, 225, 225, 176, 196, 196, 196]);
    }

    #[test]
    fn no_line_is_darker_than_the_pencil() {
        assert_eq!(drawn(|x| if x < 4 { 255 } else { 0 })[4], 15);
    }
}
