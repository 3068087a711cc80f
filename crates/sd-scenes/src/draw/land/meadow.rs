use super::ridge::ridge;
use crate::draw::brush::Brush;
use crate::draw::palette::Palette;
use crate::draw::rgb::Rgb;
use crate::rng::Rng;

/// Draws three lines of green hills, the near ones more yellow.
pub(super) fn draw(brush: &mut Brush<'_>, palette: &Palette, rng: &mut Rng) {
    let hill = ridge(rng, 34.0, 4.0, 22.0);
    brush.lit(palette.hazy(0.5)).shape(&hill, Rgb::hex(0x5FA67E));
    let hill = ridge(rng, 39.0, 2.6, 26.0);
    brush
        .lit(palette.hazy(0.24))
        .gradient(&hill, &[(36.0, Rgb::hex(0x86C06A).into()), (48.0, Rgb::hex(0x6FAE58).into())]);
    let hill = ridge(rng, 45.0, 1.6, 34.0);
    brush.gradient(&hill, &[(43.0, Rgb::hex(0xB2DA66).into()), (64.0, Rgb::hex(0x7DB947).into())]);
    for flower in 0..9_u8 {
        let (x, y) = (7.0 * f32::from(flower) + rng.within(1.0..7.0), rng.within(51.0..62.5));
        let petals = *rng.pick(&[Rgb::hex(0xFFFFFF), Rgb::hex(0xFFE25A), Rgb::hex(0xFF9EC4)]);
        brush.disc(x, y, 0.45 + 0.03 * (y - 50.0), petals);
    }
}
