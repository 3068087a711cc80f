use crate::draw::brush::Brush;
use crate::draw::rgb::Rgb;

/// 22 wide and 30 high.
pub(super) fn draw(brush: &mut Brush<'_>, paint: Rgb) {
    brush.polygon(&[(-5.4, 0.0), (-3.6, -17.0), (3.6, -17.0), (5.4, 0.0)], paint);
    brush.polygon(&[(1.6, 0.0), (1.1, -17.0), (3.6, -17.0), (5.4, 0.0)], paint.darker(0.18));
    let wood = Rgb::hex(0x5A4450);
    brush.polygon(&[(-4.4, -16.6), (0.0, -22.4), (4.4, -16.6)], wood);
    brush.rect(-1.5, -5.0, 3.0, 5.0, wood.darker(0.2));
    if brush.light.is_night {
        brush.glow(0.0, -10.0, 4.0, Rgb::hex(0xFFC860), 0.5);
        brush.rect(-1.2, -11.2, 2.4, 2.6, Rgb::hex(0xFFDE7E).shining());
    } else {
        brush.rect(-1.2, -11.2, 2.4, 2.6, Rgb::hex(0xA9D3EC).darker(0.1));
    }
    // Four arms at right angles, turned by a third of one.
    for (cos, sin) in [(0.866, 0.5), (-0.5, 0.866), (-0.866, -0.5), (0.5, -0.866)] {
        let point = |along: f32, across: f32| (along * cos - across * sin, -18.0 + along * sin + across * cos);
        brush.polygon(&[point(2.6, 0.0), point(2.6, 3.0), point(12.0, 3.0), point(12.0, 0.0)], Rgb::hex(0xFFF6E2));
        brush.line(&[(0.0, -18.0), point(12.2, 0.0)], 1.0, wood);
    }
    brush.disc(0.0, -18.0, 1.4, wood.darker(0.3));
}
