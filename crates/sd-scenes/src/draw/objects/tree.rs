use crate::draw::brush::Brush;
use crate::draw::rgb::Rgb;

/// 19 wide and 25 high.
pub(super) fn draw(brush: &mut Brush<'_>, paint: Rgb) {
    brush.polygon(&[(-1.9, 0.0), (-1.2, -11.0), (1.2, -11.0), (1.9, 0.0)], Rgb::hex(0x74492F));
    let shade = paint.darker(0.2);
    for (x, y, radius) in [(-4.2, -12.2, 5.2), (4.4, -12.2, 5.2), (0.4, -17.6, 7.0)] {
        brush.disc(x, y, radius, shade);
    }
    for (x, y, radius) in [(-4.6, -13.0, 4.4), (2.6, -13.2, 3.6), (-0.8, -18.2, 5.9)] {
        brush.disc(x, y, radius, paint);
    }
    brush.disc(-2.2, -19.6, 3.0, paint.lighter(0.22));
}
