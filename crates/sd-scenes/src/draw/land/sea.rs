use crate::draw::brush::{Brush, band};
use crate::draw::lamp::Lamp;
use crate::draw::palette::Palette;
use crate::draw::rgb::Rgb;
use crate::rng::Rng;

/// The height of the horizon.
const HORIZON: f32 = 37.0;

/// Draws water to the horizon, with the light of the lamp on it.
pub(super) fn draw(brush: &mut Brush<'_>, palette: &Palette, lamp: Option<&Lamp>, rng: &mut Rng) {
    let [far, near] = palette.water.map(Rgb::shining);
    brush.gradient(&band(HORIZON, 65.0), &[(HORIZON, far), (62.0, near)]);
    brush.rect(-1.0, HORIZON, 66.0, 0.5, palette.sky[2].lighter(0.4).shining().alpha(0.5));
    if let Some(lamp) = lamp {
        for row in 0..7_u8 {
            let nearness = f32::from(row) / 6.0;
            let y = HORIZON + 1.4 + 21.0 * nearness * (0.5 + 0.5 * nearness);
            let half = lamp.radius * (0.95 - 0.45 * nearness) * rng.within(0.6..1.1);
            let x = lamp.x + rng.within(-1.2..1.2);
            let ink = palette.lamp.shining().alpha(0.78 - 0.38 * nearness);
            brush.line(&[(x - half, y), (x + half, y)], 0.9 + 0.7 * nearness, ink);
        }
    }
    for row in 0..6_u8 {
        let y = HORIZON + 3.0 + 4.2 * f32::from(row) + rng.within(-0.8..0.8);
        let (x, half) = (rng.within(2.0..62.0), 2.0 + 0.5 * f32::from(row));
        let crest = palette.water[0].lighter(0.35).shining().alpha(0.42);
        brush.line(&[(x - half, y), (x + half, y)], 0.7 + 0.06 * f32::from(row), crest);
    }
}
