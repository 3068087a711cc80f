//! The places, one per file.

mod city;
mod desert;
mod meadow;
mod mountains;
mod ridge;
mod sea;
mod snow;

use super::brush::Brush;
use super::lamp::Lamp;
use super::palette::Palette;
use crate::Place;
use crate::rng::Rng;

/// Draws the land below the sky.
pub(super) fn draw(brush: &mut Brush<'_>, place: Place, palette: &Palette, lamp: Option<&Lamp>, rng: &mut Rng) {
    match place {
        Place::Sea => sea::draw(brush, palette, lamp, rng),
        Place::Meadow => meadow::draw(brush, palette, rng),
        Place::Desert => desert::draw(brush, palette, rng),
        Place::Snow => snow::draw(brush, palette, rng),
        Place::Mountains => mountains::draw(brush, palette, rng),
        Place::City => city::draw(brush, palette, rng),
    }
}
