use crate::draw::brush::Brush;
use crate::draw::rgb::Rgb;

/// 20 wide and 19 high.
pub(super) fn draw(brush: &mut Brush<'_>, paint: Rgb) {
    let roof = Rgb::hex(0x5A4450);
    brush.rect(4.2, -18.5, 3.0, 8.0, roof.darker(0.3));
    brush.rect(-8.5, -11.0, 17.0, 11.0, paint);
    brush.rect(-8.5, -11.0, 17.0, 1.8, paint.darker(0.28));
    brush.polygon(&[(-10.5, -10.2), (0.0, -19.5), (10.5, -10.2)], roof);
    brush.polygon(&[(0.0, -19.5), (10.5, -10.2), (4.0, -10.2)], roof.darker(0.18));
    brush.rect(-1.9, -6.4, 3.8, 6.4, Rgb::hex(0x4A3238));
    for x in [-7.0, 3.6] {
        if brush.light.is_night {
            brush.glow(x + 1.7, -5.5, 5.0, Rgb::hex(0xFFC860), 0.55);
            brush.rect(x, -7.2, 3.4, 3.6, Rgb::hex(0xFFDE7E).shining());
        } else {
            brush.rect(x, -7.2, 3.4, 3.6, Rgb::hex(0xA9D3EC));
        }
    }
}
