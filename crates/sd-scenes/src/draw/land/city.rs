use crate::draw::brush::{Brush, band};
use crate::draw::palette::Palette;
use crate::draw::rgb::Rgb;
use crate::rng::Rng;

/// Draws two rows of towers, the near one with windows, behind a park and a road.
pub(super) fn draw(brush: &mut Brush<'_>, palette: &Palette, rng: &mut Rng) {
    let mut x = -rng.within(1.0..4.0);
    while x < 64.0 {
        let (width, top) = (rng.within(6.0..9.0), rng.within(19.0..28.0));
        brush.lit(palette.hazy(0.5)).rect(x, top, width, 45.0 - top, Rgb::hex(0x8296BE));
        x += width + rng.within(-0.5..1.0);
    }
    let mut x = -rng.within(1.0..6.0);
    while x < 64.0 {
        // The columns of windows are 3 apart, so that no window is cut.
        let (columns, rows) = (f32::from(rng.below(2) as u8 + 2), rng.below(3) as u8 + 3);
        let (width, height) = (columns * 3.0 + 1.0, f32::from(rows) * 3.4 + 3.0);
        tower(&mut brush.lit(palette.hazy(0.08)), x, 45.0 - height, width, rows, rng);
        x += width + rng.within(0.6..3.2);
    }
    brush.gradient(&band(43.0, 51.0), &[(43.0, Rgb::hex(0x8CC66A).into()), (51.0, Rgb::hex(0x6DAF55).into())]);
    brush.rect(-1.0, 50.6, 66.0, 1.6, Rgb::hex(0xC9CBD6));
    brush.rect(-1.0, 52.0, 66.0, 13.0, Rgb::hex(0x6A6F86));
    for dash in 0..5_u8 {
        brush.rect(2.5 + 13.0 * f32::from(dash), 57.2, 7.0, 1.0, Rgb::hex(0xF4EBCB));
    }
}

fn tower(brush: &mut Brush<'_>, x: f32, y: f32, width: f32, rows: u8, rng: &mut Rng) {
    let wall = *rng.pick(&[Rgb::hex(0x6F80AE), Rgb::hex(0x8A86B0), Rgb::hex(0x5E79A0)]);
    brush.rect(x, y, width, 46.0 - y, wall);
    brush.rect(x + width - 1.4, y, 1.4, 46.0 - y, wall.darker(0.16));
    for row in 0..rows {
        let mut window = x + 1.1;
        while window + 1.8 < x + width {
            let is_lit = rng.chance(0.55);
            let top = y + 1.8 + 3.4 * f32::from(row);
            if !brush.light.is_night {
                brush.rect(window, top, 1.8, 2.0, Rgb::hex(0xD4E6F6));
            } else if is_lit {
                brush.rect(window, top, 1.8, 2.0, Rgb::hex(0xFFD877).shining());
            } else {
                brush.rect(window, top, 1.8, 2.0, wall.darker(0.35));
            }
            window += 3.0;
        }
    }
}
