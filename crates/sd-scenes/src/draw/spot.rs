use super::brush::Brush;
use super::objects;
use super::palette::Palette;
use super::rgb::Rgb;
use crate::{Colour, Kind, Place};

/// A thing and its position.
pub(super) struct Spot {
    /// What it is.
    pub kind: Kind,
    /// Its colour, if its kind comes in several.
    pub colour: Option<Colour>,
    /// The middle of the thing.
    pub x: f32,
    /// The height of the ground, the waterline or the basket.
    pub y: f32,
    /// Its size; 1 for a big thing that is alone.
    pub scale: f32,
}

impl Spot {
    /// Draws the thing: in the air, on water with its reflection, or on the ground with its shadow.
    pub fn draw(&self, brush: &mut Brush<'_>, place: Place, palette: &Palette) {
        let mut brush = brush.lit(palette.things);
        match (self.kind, place) {
            (Kind::Balloon, _) => {}
            (Kind::Boat, _) | (_, Place::Sea) => self.reflection(&mut brush, palette),
            _ => {
                let width = objects::width(self.kind) * 0.46;
                brush.at(self.x, self.y, self.scale).oval(1.2, 0.2, width, 1.5, Rgb::hex(0x201840).alpha(0.26));
            }
        }
        objects::draw(&mut brush.at(self.x, self.y, self.scale), self.kind, self.colour);
    }

    /// Draws the reflection of the thing in the water, and an islet under it if it does not float.
    fn reflection(&self, brush: &mut Brush<'_>, palette: &Palette) {
        let Self { kind, colour, x, y, scale } = *self;
        let water = palette.water[0].mix(palette.water[1], ((y - 36.0) / 28.0).clamp(0.0, 1.0));
        let mut light = palette.things.veiled(water, 0.62);
        // No beams and glows in the reflection.
        light.is_night = false;
        objects::draw(&mut brush.mirrored(y, 0.5, light).at(x, y, scale), kind, colour);
        brush.line(&[(x - 9.5 * scale, y + 0.6), (x + 9.5 * scale, y + 0.6)], 0.6, Rgb::hex(0xFFFFFF).alpha(0.5));
        if kind != Kind::Boat {
            let ground = Rgb::hex(if kind == Kind::Palm { 0xF0D090 } else { 0x8C8792 });
            let mut islet = brush.at(x, y, scale);
            islet.oval(0.0, 0.6, 8.6, 2.6, ground.darker(0.2));
            islet.oval(0.0, 0.0, 8.4, 2.2, ground);
        }
    }
}
