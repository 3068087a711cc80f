use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Shader, Stroke, Transform,
};

use super::light::Light;
use super::rgb::Ink;

/// Draws shapes onto an image, in units of a 64th of its width, in some light.
///
/// A brush [at](Self::at) a point has its origin there; y grows downwards, so objects stand on 0 and their upper parts
/// have negative y.
pub(crate) struct Brush<'a> {
    pixmap: &'a mut Pixmap,
    transform: Transform,
    pub light: Light,
}

impl<'a> Brush<'a> {
    /// Creates a brush for the whole image, whose width is 64 units.
    pub fn new(pixmap: &'a mut Pixmap, light: Light) -> Self {
        let scale = pixmap.width() as f32 / 64.0;
        Self { pixmap, transform: Transform::from_scale(scale, scale), light }
    }

    /// Returns the brush with its origin at a point and its unit `scale` times as long.
    pub fn at(&mut self, x: f32, y: f32, scale: f32) -> Brush<'_> {
        let transform = self.transform.pre_translate(x, y).pre_scale(scale, scale);
        Brush { pixmap: self.pixmap, transform, light: self.light }
    }

    /// Returns the brush mirrored below the line `y` and `squash` times as high, for reflections in water.
    pub fn mirrored(&mut self, y: f32, squash: f32, light: Light) -> Brush<'_> {
        let transform = self.transform.pre_translate(0.0, y).pre_scale(1.0, -squash).pre_translate(0.0, -y);
        Brush { pixmap: self.pixmap, transform, light }
    }

    /// Returns the brush in another light.
    pub fn lit(&mut self, light: Light) -> Brush<'_> {
        Brush { pixmap: self.pixmap, transform: self.transform, light }
    }

    /// Draws a rectangle by its upper left corner.
    pub fn rect(&mut self, x: f32, y: f32, width: f32, height: f32, ink: impl Into<Ink>) {
        self.polygon(&[(x, y), (x + width, y), (x + width, y + height), (x, y + height)], ink);
    }

    /// Draws a closed polygon.
    pub fn polygon(&mut self, points: &[(f32, f32)], ink: impl Into<Ink>) {
        self.shape(&polygon(points), ink);
    }

    /// Draws a disc.
    pub fn disc(&mut self, x: f32, y: f32, radius: f32, ink: impl Into<Ink>) {
        self.oval(x, y, radius, radius, ink);
    }

    /// Draws an ellipse by its half widths.
    pub fn oval(&mut self, x: f32, y: f32, across: f32, down: f32, ink: impl Into<Ink>) {
        let bounds = Rect::from_xywh(x - across, y - down, 2.0 * across, 2.0 * down).expect("an oval has a size");
        self.shape(&PathBuilder::from_oval(bounds).expect("an oval has a size"), ink);
    }

    /// Draws a line with round ends.
    pub fn line(&mut self, points: &[(f32, f32)], width: f32, ink: impl Into<Ink>) {
        let mut path = PathBuilder::new();
        path.move_to(points[0].0, points[0].1);
        points[1..].iter().for_each(|&(x, y)| path.line_to(x, y));
        self.stroke(&path.finish().expect("a line has two points"), width, ink);
    }

    /// Draws the outline of a path, with round ends and corners.
    pub fn stroke(&mut self, path: &Path, width: f32, ink: impl Into<Ink>) {
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        let paint = self.paint(ink.into());
        self.pixmap.stroke_path(path, &paint, &stroke, self.transform, None);
    }

    /// Fills a path.
    pub fn shape(&mut self, path: &Path, ink: impl Into<Ink>) {
        let paint = self.paint(ink.into());
        self.fill(path, &paint);
    }

    /// Fills a path with any paint.
    pub(super) fn fill(&mut self, path: &Path, paint: &Paint<'_>) {
        self.pixmap.fill_path(path, paint, FillRule::Winding, self.transform, None);
    }

    fn paint(&self, ink: Ink) -> Paint<'static> {
        shaded(Shader::SolidColor(self.colour(ink)))
    }

    /// Returns the ink in the brush's light, as a colour of tiny-skia.
    pub(super) fn colour(&self, ink: Ink) -> Color {
        let [red, green, blue] = self.light.on(ink).0;
        Color::from_rgba(red, green, blue, ink.alpha).expect("the parts of a colour are from 0 to 1")
    }
}

/// Returns anti-aliased paint.
pub(super) fn shaded(shader: Shader<'_>) -> Paint<'_> {
    Paint { shader, anti_alias: true, ..Paint::default() }
}

/// Returns a closed polygon as a path.
pub(crate) fn polygon(points: &[(f32, f32)]) -> Path {
    let mut path = PathBuilder::new();
    path.move_to(points[0].0, points[0].1);
    points[1..].iter().for_each(|&(x, y)| path.line_to(x, y));
    path.close();
    path.finish().expect("a polygon has corners")
}

/// Returns a rectangle of the whole width as a path.
pub(crate) fn band(top: f32, bottom: f32) -> Path {
    polygon(&[(-1.0, top), (65.0, top), (65.0, bottom), (-1.0, bottom)])
}
