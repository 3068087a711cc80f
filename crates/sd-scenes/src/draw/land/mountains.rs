use super::ridge::ridge;
use crate::draw::brush::{Brush, band};
use crate::draw::palette::Palette;
use crate::draw::rgb::Rgb;
use crate::rng::Rng;

/// The far shore of the lake.
const WATER: f32 = 38.5;

/// Draws three snowy peaks behind a lake that reflects them, and a shore.
pub(super) fn draw(brush: &mut Brush<'_>, palette: &Palette, rng: &mut Rng) {
    let peaks = [
        (rng.within(28.0..36.0), rng.within(19.0..22.0), 17.0, 0.38),
        (rng.within(8.0..15.0), rng.within(13.0..17.0), 21.0, 0.14),
        (rng.within(49.0..56.0), rng.within(14.0..18.0), 20.0, 0.14),
    ];
    let hill = ridge(rng, 36.5, 1.2, 16.0);
    for &(x, y, half, depth) in &peaks {
        peak(&mut brush.lit(palette.hazy(depth)), x, y, half);
    }
    brush.lit(palette.hazy(0.1)).shape(&hill, Rgb::hex(0x4F8F67));
    let [far, near] = palette.water.map(Rgb::shining);
    brush.gradient(&band(WATER, 65.0), &[(WATER, far), (62.0, near)]);
    let water = palette.water[0].mix(palette.water[1], 0.3);
    let mut deep = brush.mirrored(WATER, 0.5, palette.land.veiled(water, 0.62));
    for &(x, y, half, _) in &peaks {
        peak(&mut deep, x, y, half);
    }
    brush.rect(-1.0, WATER - 0.3, 66.0, 0.7, palette.sky[2].lighter(0.3).shining().alpha(0.55));
    let shore = ridge(rng, 52.0, 1.2, 34.0);
    brush.gradient(&shore, &[(50.0, Rgb::hex(0xA8D169).into()), (64.0, Rgb::hex(0x74AE4B).into())]);
}

/// Draws a peak above the line of the water, lit from the left.
fn peak(brush: &mut Brush<'_>, x: f32, y: f32, half: f32) {
    let slope = (WATER - y) / half;
    let (rock, snow) = (Rgb::hex(0x7F8FB4), Rgb::hex(0xFFFFFF));
    let foot = (x + half * 0.12, WATER);
    brush.polygon(&[(x - half, WATER), (x, y), (x + half, WATER)], rock);
    brush.polygon(&[(x, y), (x + half, WATER), foot, (x + 1.4, y + 9.0), (x - 0.8, y + 5.0)], rock.darker(0.3));
    let mut brush = brush.lit(brush.light.on_snow());
    let (down, half) = (8.0, 8.0 / slope);
    let left = [(x, y), (x - half, y + down), (x - half * 0.52, y + 6.0), (x - half * 0.2, y + 8.4), (x, y + 6.2)];
    brush.polygon(&left, snow);
    let right = [(x, y), (x, y + 6.2), (x + half * 0.3, y + 8.6), (x + half * 0.58, y + 6.4), (x + half, y + down)];
    brush.polygon(&right, snow.mix(rock, 0.38));
}
