//! The things, one per file, drawn in their big size and standing on 0.

mod balloon;
mod boat;
mod cactus;
mod car;
mod house;
mod lighthouse;
mod palm;
mod pine;
mod snowman;
mod tent;
mod tree;
mod windmill;

use super::brush::Brush;
use super::palette;
use crate::{Colour, Kind};

/// Draws one thing of a kind at the origin of the brush.
pub(super) fn draw(brush: &mut Brush<'_>, kind: Kind, colour: Option<Colour>) {
    let paint = palette::paint(colour.unwrap_or(Colour::White));
    match kind {
        Kind::House => house::draw(brush, paint),
        Kind::Tree => tree::draw(brush, paint),
        Kind::Pine => pine::draw(brush),
        Kind::Palm => palm::draw(brush),
        Kind::Cactus => cactus::draw(brush),
        Kind::Boat => boat::draw(brush, paint),
        Kind::Lighthouse => lighthouse::draw(brush, paint),
        Kind::Windmill => windmill::draw(brush, paint),
        Kind::Balloon => balloon::draw(brush, paint),
        Kind::Car => car::draw(brush, paint),
        Kind::Snowman => snowman::draw(brush),
        Kind::Tent => tent::draw(brush, paint),
    }
}

/// The width of a big thing of a kind.
pub(super) fn width(kind: Kind) -> f32 {
    match kind {
        Kind::House | Kind::Boat | Kind::Tent => 21.0,
        Kind::Windmill | Kind::Car => 23.0,
        Kind::Palm => 20.0,
        Kind::Tree => 19.0,
        Kind::Balloon | Kind::Snowman => 16.0,
        Kind::Pine | Kind::Cactus => 15.0,
        Kind::Lighthouse => 14.0,
    }
}
