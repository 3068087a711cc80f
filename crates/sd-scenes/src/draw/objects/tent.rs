use crate::draw::brush::Brush;
use crate::draw::rgb::Rgb;

/// 21 wide and 15 high.
pub(super) fn draw(brush: &mut Brush<'_>, paint: Rgb) {
    let pole = Rgb::hex(0x6B4630);
    brush.line(&[(-1.0, -15.2), (0.0, -13.4), (1.0, -15.2)], 0.7, pole);
    if brush.light.is_night {
        brush.glow(0.0, -4.0, 15.0, Rgb::hex(0xFFB95C), 0.45);
    }
    brush.polygon(&[(-10.4, 0.0), (0.0, -14.2), (10.4, 0.0)], paint);
    brush.polygon(&[(0.0, -14.2), (10.4, 0.0), (5.0, 0.0)], paint.darker(0.22));
    if brush.light.is_night {
        brush.polygon(&[(-4.2, 0.0), (0.0, -10.6), (4.2, 0.0)], Rgb::hex(0xFFE08A).shining());
    } else {
        brush.polygon(&[(-4.2, 0.0), (0.0, -10.6), (4.2, 0.0)], Rgb::hex(0x3B2C40));
    }
    brush.polygon(&[(-4.2, 0.0), (0.0, -10.6), (-2.4, 0.0)], paint.lighter(0.4));
}
