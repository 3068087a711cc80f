use tiny_skia::PathBuilder;

use super::brush::{Brush, band};
use super::clouds;
use super::lamp::Lamp;
use super::palette::Palette;
use super::rgb::Rgb;
use crate::Sky;
use crate::rng::Rng;

/// Draws the sky with the lamp, stars, clouds and rainbow.
pub(super) fn draw(brush: &mut Brush<'_>, sky: Sky, palette: &Palette, lamp: Option<&Lamp>, seed: u64) {
    let [top, middle, horizon] = palette.sky.map(Rgb::shining);
    brush.gradient(&band(-1.0, 65.0), &[(0.0, top), (22.0, middle), (40.0, horizon)]);
    if sky == Sky::Stars {
        stars(brush, &mut Rng::new(seed, "stars"));
    }
    if let Some(lamp) = lamp {
        lamp.draw(brush, palette);
    }
    if sky == Sky::Rainbow {
        rainbow(brush);
    }
    match sky {
        Sky::Clouds => clouds::few(brush, palette.cloud, lamp, &mut Rng::new(seed, "clouds")),
        Sky::Rain | Sky::Snowfall => clouds::deck(brush, palette.cloud, &mut Rng::new(seed, "clouds")),
        Sky::Clear | Sky::Stars | Sky::Rainbow => {}
    }
}

/// Draws one star in each cell of a grid, so that they are evenly distributed; every fourth is large.
fn stars(brush: &mut Brush<'_>, rng: &mut Rng) {
    let star = Rgb::hex(0xFFF9E0).shining();
    for cell in 0..28_u8 {
        let (column, row) = (f32::from(cell % 7), f32::from(cell / 7));
        let (x, y) = (column * 9.2 + rng.within(1.0..8.0), row * 8.4 + rng.within(1.0..7.0));
        if cell % 4 == 1 {
            brush.glow(x, y, 2.6, star.rgb, 0.5);
            let (long, short) = (1.7, 0.42);
            let tips = [(0.0, -long), (short, -short), (long, 0.0), (short, short)];
            let points: Vec<(f32, f32)> =
                tips.iter().chain(&tips.map(|(x, y)| (-x, -y))).map(|(dx, dy)| (x + dx, y + dy)).collect();
            brush.polygon(&points, star);
        } else {
            brush.disc(x, y, rng.within(0.45..0.75), star);
        }
    }
}

/// Draws six bands around a point below the horizon.
fn rainbow(brush: &mut Brush<'_>) {
    let bands = [0xF0504C, 0xFA9A3C, 0xFCDD4A, 0x58BF62, 0x3F86E0, 0x8A5AC8];
    for (band, rgb) in (0_u8..).zip(bands) {
        let arc = PathBuilder::from_circle(32.0, 43.0, 33.0 - 1.7 * f32::from(band)).expect("an arc has a radius");
        brush.stroke(&arc, 1.9, Rgb::hex(rgb).shining().alpha(0.85));
    }
}
