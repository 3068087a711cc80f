//! The places, one a file.

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
use crate::dice::Dice;

/// Draws the land below the sky.
pub(super) fn draw(brush: &mut Brush<'_>, place: Place, palette: &Palette, lamp: Option<&Lamp>, dice: &mut Dice) {
    match place {
        Place::Sea => sea::draw(brush, palette, lamp, dice),
        Place::Meadow => meadow::draw(brush, palette, dice),
        Place::Desert => desert::draw(brush, palette, dice),
        Place::Snow => snow::draw(brush, palette, dice),
        Place::Mountains => mountains::draw(brush, palette, dice),
        Place::City => city::draw(brush, palette, dice),
    }
}
