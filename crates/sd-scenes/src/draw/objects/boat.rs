use tiny_skia::PathBuilder;

use crate::draw::brush::Brush;
use crate::draw::rgb::Rgb;

/// 21 wide and 24 high, its waterline at 0.
pub(super) fn draw(brush: &mut Brush<'_>, paint: Rgb) {
    let mut hull = PathBuilder::new();
    hull.move_to(-10.0, -4.4);
    hull.line_to(10.8, -4.4);
    hull.quad_to(9.6, -0.6, 6.4, 0.4);
    hull.line_to(-6.2, 0.4);
    hull.quad_to(-9.0, -0.8, -10.0, -4.4);
    hull.close();
    brush.rect(-0.5, -24.0, 1.0, 20.0, Rgb::hex(0x6B4630));
    brush.polygon(&[(0.9, -23.4), (0.9, -6.0), (9.4, -6.0)], paint);
    brush.polygon(&[(-0.9, -20.6), (-0.9, -6.0), (-7.8, -6.0)], Rgb::hex(0xFFF9EC).darker(0.04));
    brush.shape(&hull.finish().expect("the hull has corners"), paint.darker(0.24));
    brush.polygon(&[(-10.0, -4.4), (10.8, -4.4), (10.4, -3.2), (-9.7, -3.2)], paint.lighter(0.35));
}
