use crate::Colour;
use crate::draw::brush::Brush;
use crate::draw::palette;
use crate::draw::rgb::{Ink, Rgb};

/// 10 wide and 33 high.
pub(super) fn draw(brush: &mut Brush<'_>, paint: Rgb) {
    let white = palette::paint(Colour::White);
    let lamp = Rgb::hex(0xFFEFA8);
    if brush.light.is_night {
        let beam = lamp.shining();
        brush.polygon(&[(0.0, -26.4), (-110.0, -41.0), (-110.0, -17.0)], beam.alpha(0.18));
        brush.polygon(&[(0.0, -26.4), (110.0, -41.0), (110.0, -17.0)], beam.alpha(0.18));
        brush.glow(0.0, -26.4, 9.0, lamp, 0.8);
    }
    // Bands of a fifth of the tower each, whose half width shrinks from 4.4 to 2.8.
    let half = |band: f32| 4.4 - 0.32 * band;
    for band in 0..5_u8 {
        let (low, high) = (f32::from(band), f32::from(band + 1));
        let rgb = if band % 2 == 0 { paint } else { white };
        let (y_low, y_high) = (-4.7 * low, -4.7 * high);
        brush.polygon(&[(-half(low), y_low), (-half(high), y_high), (half(high), y_high), (half(low), y_low)], rgb);
        let side = [(half(low) * 0.3, y_low), (half(high) * 0.3, y_high), (half(high), y_high), (half(low), y_low)];
        brush.polygon(&side, rgb.darker(0.16));
    }
    let glass: Ink = if brush.light.is_night { lamp.shining() } else { Rgb::hex(0xFFE9A0).into() };
    brush.rect(-2.3, -28.6, 4.6, 4.2, glass);
    let iron = Rgb::hex(0x3E3A52);
    brush.rect(-4.0, -24.7, 8.0, 1.4, iron);
    brush.polygon(&[(-3.4, -28.4), (0.0, -32.6), (3.4, -28.4)], iron);
}
