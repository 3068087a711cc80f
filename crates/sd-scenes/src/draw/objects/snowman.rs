use crate::draw::brush::Brush;
use crate::draw::rgb::Rgb;

/// 12 wide and 24 high.
pub(super) fn draw(brush: &mut Brush<'_>) {
    let (snow, coal) = (Rgb::hex(0xFDFEFF), Rgb::hex(0x2B2838));
    brush.line(&[(-3.4, -12.0), (-8.2, -15.4)], 0.9, Rgb::hex(0x6B4630));
    brush.line(&[(3.4, -12.0), (8.2, -15.4)], 0.9, Rgb::hex(0x6B4630));
    for (y, radius) in [(-5.0, 5.6), (-11.6, 4.3), (-16.8, 3.4)] {
        brush.disc(0.0, y, radius, Rgb::hex(0x9DB9D9));
        brush.disc(-0.5, y - 0.2, radius - 0.5, snow);
    }
    brush.rect(-3.4, -14.9, 6.8, 1.9, Rgb::hex(0xDC3232));
    brush.rect(1.0, -14.0, 1.9, 4.2, Rgb::hex(0xC02A33));
    brush.rect(-4.2, -20.2, 8.4, 1.3, coal);
    brush.rect(-2.7, -24.2, 5.4, 4.2, coal);
    brush.disc(-1.3, -17.6, 0.6, coal);
    brush.disc(1.3, -17.6, 0.6, coal);
    brush.polygon(&[(0.0, -16.9), (3.6, -16.2), (0.0, -15.7)], Rgb::hex(0xF58A1F));
    brush.disc(-0.2, -10.2, 0.6, coal);
    brush.disc(-0.2, -6.6, 0.6, coal);
}
