use crate::draw::brush::Brush;
use crate::draw::rgb::Rgb;

/// 15 wide and 26 high.
pub(super) fn draw(brush: &mut Brush<'_>) {
    let needles = Rgb::hex(0x28795A);
    brush.rect(-1.4, -5.0, 2.8, 5.0, Rgb::hex(0x6B4630));
    for (half, base, top) in [(7.5, -3.2, -14.5), (6.2, -10.2, -20.5), (4.7, -16.8, -26.0)] {
        brush.polygon(&[(-half, base), (0.0, top), (half, base)], needles.lighter(0.08));
        brush.polygon(&[(0.0, base), (0.0, top), (half, base)], needles.darker(0.25));
    }
}
