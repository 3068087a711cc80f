use super::ridge::ridge;
use crate::draw::brush::Brush;
use crate::draw::palette::Palette;
use crate::draw::rgb::Rgb;
use crate::rng::Rng;

/// Draws dunes, and two flat-topped rocks at the horizon.
pub(super) fn draw(brush: &mut Brush<'_>, palette: &Palette, rng: &mut Rng) {
    let mut far = brush.lit(palette.hazy(0.3));
    for (x, half, height) in [(rng.within(8.0..24.0), 9.0, 9.0), (rng.within(40.0..56.0), 7.0, 6.5)] {
        let rock = Rgb::hex(0xC96F45);
        let (low, top) = (38.0, 38.0 - height);
        far.polygon(&[(x - half, low), (x - half * 0.72, top), (x + half * 0.68, top), (x + half, low)], rock);
        far.polygon(
            &[(x + half * 0.2, low), (x + half * 0.3, top), (x + half * 0.68, top), (x + half, low)],
            rock.darker(0.16),
        );
    }
    let dune = ridge(rng, 38.0, 2.0, 24.0);
    brush.lit(palette.hazy(0.18)).shape(&dune, Rgb::hex(0xEDBB72));
    let dune = ridge(rng, 42.5, 2.4, 28.0);
    brush.gradient(&dune, &[(40.0, Rgb::hex(0xF2C77F).into()), (52.0, Rgb::hex(0xE0A55B).into())]);
    let dune = ridge(rng, 48.0, 2.2, 36.0);
    brush.gradient(&dune, &[(46.0, Rgb::hex(0xFADB9A).into()), (64.0, Rgb::hex(0xE5AE62).into())]);
}
