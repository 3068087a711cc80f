use crate::Image;

/// The paper, and the darkest graphite on it.
const PAPER: i32 = 250;
const GRAPHITE: i32 = 25;

/// Pixels from one stroke of the shading to the next.
const STROKES: i32 = 6;

/// Returns an image as a pencil drawing: outlines where colours change, and oblique strokes where it is dark.
///
/// Outlines are as dark as the largest of the three colours' gradients (Sobel's, added up over both directions). All numbers are
/// integers, so that a drawing has the same pixels everywhere.
pub fn pencil(image: &Image) -> Image {
    let drawing = Drawing { rgb: &image.rgb, pixels: image.pixels as i32 };
    let places = (0..drawing.pixels).flat_map(|y| (0..drawing.pixels).map(move |x| [x, y]));
    let rgb = places.flat_map(|place| {
        let grey = (PAPER - drawing.shade(place) - drawing.outline(place)).max(GRAPHITE);
        // Paper is a little yellow.
        [grey, grey - 2, grey - 8].map(|value| value as u8)
    });
    Image { pixels: image.pixels, rgb: rgb.collect() }
}

/// The image that is drawn.
struct Drawing<'a> {
    rgb: &'a [u8],
    pixels: i32,
}

impl Drawing<'_> {
    /// Returns a colour's value; beyond an edge it is that of the edge.
    fn at(&self, x: i32, y: i32, colour: usize) -> i32 {
        let [x, y] = [x, y].map(|place| place.clamp(0, self.pixels - 1));
        i32::from(self.rgb[(y * self.pixels + x) as usize * 3 + colour])
    }

    /// How much darker the shading makes the paper: strokes are wider and darker where the image is.
    fn shade(&self, [x, y]: [i32; 2]) -> i32 {
        let luma = (299 * self.at(x, y, 0) + 587 * self.at(x, y, 1) + 114 * self.at(x, y, 2)) / 1000;
        let stroke = ((x + y) % STROKES - STROKES / 2).abs();
        (255 - luma) * (40 + 25 * stroke) / 255
    }

    /// How much darker an outline makes the paper.
    fn outline(&self, [x, y]: [i32; 2]) -> i32 {
        let gradient = |colour| {
            let at = |dx, dy| self.at(x + dx, y + dy, colour);
            let across = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1);
            let down = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1);
            (across.abs() + down.abs()) / 4
        };
        let steepest = (0..3).map(gradient).max().unwrap_or(0);
        (2 * (steepest - 24)).clamp(0, 200)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reds(image: &Image) -> Vec<u8> {
        image.rgb.iter().step_by(3).copied().collect()
    }

    fn drawn(pixels: usize, red: impl Fn(usize, usize) -> u8) -> Vec<u8> {
        let rgb = (0..pixels * pixels).flat_map(|at| [red(at % pixels, at / pixels); 3]).collect();
        reds(&pencil(&Image { pixels, rgb }))
    }

    #[test]
    fn white_is_paper_and_black_is_strokes() {
        assert!(drawn(8, |_, _| 255).iter().all(|red| *red == 250));
        // Along a row, the strokes repeat after six pixels; the darkest is at every sixth.
        assert_eq!(drawn(8, |_, _| 0)[..8], [135, 160, 185, 210, 185, 160, 135, 160]);
    }

    #[test]
    fn a_step_between_two_colours_is_a_line_of_two_pixels() {
        let rows = drawn(8, |x, _| if x < 4 { 255 } else { 215 });
        let row: Vec<u8> = rows[8..16].to_vec();
        assert!(row[..3].iter().all(|red| *red == 250), "{row:?}");
        // The gradient of a step of 40 is 40, and the line is 2·(40 − 24) darker.
        assert_eq!(row[3], 250 - 32);
        assert!(row[4] < 230 && row[5] > 230, "{row:?}");
    }

    #[test]
    fn the_darkest_pixel_is_graphite() {
        let both = drawn(8, |x, _| if x < 4 { 255 } else { 0 });
        assert_eq!(both.iter().min(), Some(&25));
    }
}
