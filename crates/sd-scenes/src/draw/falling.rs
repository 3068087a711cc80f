use super::brush::Brush;
use super::rgb::Rgb;
use crate::Sky;
use crate::rng::Rng;

/// Draws rain or snow in front of everything, evenly over a grid.
pub(super) fn draw(brush: &mut Brush<'_>, sky: Sky, rng: &mut Rng) {
    for cell in 0..35_u8 {
        let (column, row) = (f32::from(cell % 7), f32::from(cell / 7));
        let (x, y) = (column * 9.2 + rng.within(1.0..8.2), 10.0 + row * 10.8 + rng.within(0.0..9.0));
        match sky {
            Sky::Rain => brush.line(&[(x, y), (x - 1.6, y + 4.6)], 0.8, Rgb::hex(0xDDEBFA).shining().alpha(0.62)),
            Sky::Snowfall => brush.disc(x, y, rng.within(0.9..1.35), Rgb::hex(0xFFFFFF).shining().alpha(0.92)),
            Sky::Clear | Sky::Clouds | Sky::Stars | Sky::Rainbow => {}
        }
    }
}
