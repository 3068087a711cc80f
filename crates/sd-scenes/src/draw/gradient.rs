use tiny_skia::{GradientStop, LinearGradient, Path, PathBuilder, Point, RadialGradient, SpreadMode, Transform};

use super::brush::{Brush, shaded};
use super::rgb::{Ink, Rgb};

impl Brush<'_> {
    /// Fills a path with a gradient: a colour at each height, from top to bottom.
    pub fn gradient(&mut self, path: &Path, stops: &[(f32, Ink)]) {
        let (first, last) = (stops[0].0, stops[stops.len() - 1].0);
        let colours =
            stops.iter().map(|&(y, ink)| GradientStop::new((y - first) / (last - first), self.colour(ink))).collect();
        let (from, to) = (Point::from_xy(0.0, first), Point::from_xy(0.0, last));
        let shader = LinearGradient::new(from, to, colours, SpreadMode::Pad, Transform::identity());
        self.fill(path, &shaded(shader.expect("a gradient has a length")));
    }

    /// Draws light around a point, from `alpha` there to nothing at the radius.
    pub fn glow(&mut self, x: f32, y: f32, radius: f32, rgb: Rgb, alpha: f32) {
        let centre = Point::from_xy(x, y);
        // About the square of the distance to the rim, which ends more softly than a linear decrease.
        let stops = [(0.0, 1.0), (0.25, 0.56), (0.5, 0.25), (0.75, 0.06), (1.0, 0.0)]
            .map(|(at, share)| GradientStop::new(at, self.colour(rgb.shining().alpha(alpha * share))));
        let shader =
            RadialGradient::new(centre, 0.0, centre, radius, stops.to_vec(), SpreadMode::Pad, Transform::identity());
        let disc = PathBuilder::from_circle(x, y, radius).expect("a glow has a radius");
        self.fill(&disc, &shaded(shader.expect("a glow has a radius")));
    }
}
