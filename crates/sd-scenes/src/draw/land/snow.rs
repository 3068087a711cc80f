use super::ridge::ridge;
use crate::draw::brush::Brush;
use crate::draw::palette::Palette;
use crate::draw::rgb::Rgb;
use crate::rng::Rng;

/// Draws white hills, bluer far away.
pub(super) fn draw(brush: &mut Brush<'_>, palette: &Palette, rng: &mut Rng) {
    let light = palette.land.on_snow();
    let hill = ridge(rng, 33.0, 4.4, 20.0);
    brush
        .lit(palette.hazy(0.2))
        .gradient(&hill, &[(28.0, Rgb::hex(0xA9C3E4).into()), (44.0, Rgb::hex(0xC6D8EE).into())]);
    let hill = ridge(rng, 39.0, 2.8, 26.0);
    brush.lit(light).gradient(&hill, &[(36.0, Rgb::hex(0xE3EDF9).into()), (48.0, Rgb::hex(0xC2D5EC).into())]);
    let hill = ridge(rng, 45.0, 1.8, 34.0);
    brush.lit(light).gradient(&hill, &[(43.0, Rgb::hex(0xFFFFFF).into()), (64.0, Rgb::hex(0xD3E2F4).into())]);
}
