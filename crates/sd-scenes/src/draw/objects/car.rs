use tiny_skia::PathBuilder;

use crate::draw::brush::Brush;
use crate::draw::rgb::Rgb;

/// 23 wide and 12 high, going right.
pub(super) fn draw(brush: &mut Brush<'_>, paint: Rgb) {
    if brush.light.is_night {
        brush.polygon(&[(10.5, -5.4), (24.0, -8.0), (24.0, -0.6)], Rgb::hex(0xFFE9A0).shining().alpha(0.3));
    }
    brush.polygon(&[(-7.8, -6.6), (-4.8, -12.4), (3.4, -12.4), (7.4, -6.6)], paint);
    let glass = if brush.light.is_night { Rgb::hex(0x6F84B8) } else { Rgb::hex(0xC4E6F5) };
    brush.polygon(&[(-6.2, -7.2), (-4.0, -11.3), (-0.9, -11.3), (-0.9, -7.2)], glass);
    brush.polygon(&[(0.4, -7.2), (0.4, -11.3), (2.9, -11.3), (5.6, -7.2)], glass);
    let mut body = PathBuilder::new();
    body.move_to(-11.2, -1.9);
    body.line_to(-11.2, -5.4);
    body.quad_to(-11.2, -7.4, -9.2, -7.4);
    body.line_to(7.6, -7.4);
    body.quad_to(11.6, -6.8, 11.6, -3.6);
    body.line_to(11.6, -1.9);
    body.close();
    brush.shape(&body.finish().expect("the body has corners"), paint);
    brush.rect(-11.2, -3.6, 22.8, 1.7, paint.darker(0.28));
    for x in [-6.2, 6.4] {
        brush.disc(x, -2.2, 2.7, Rgb::hex(0x2A2A38));
        brush.disc(x, -2.2, 1.1, Rgb::hex(0xC9CED8));
    }
    brush.disc(10.6, -5.2, 0.9, Rgb::hex(0xFFEFA8).shining());
}
