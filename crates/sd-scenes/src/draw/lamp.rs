use tiny_skia::PathBuilder;

use super::brush::Brush;
use super::palette::Palette;
use crate::rng::Rng;
use crate::{Kind, Place, Scene, Side, Size, Sky, Time};

/// The sun or the moon.
pub(crate) struct Lamp {
    pub x: f32,
    pub y: f32,
    pub radius: f32,
    shape: Shape,
}

enum Shape {
    Sun,
    Moon,
    Crescent,
}

impl Lamp {
    /// Creates the lamp of a scene, where objects hide it least; none if it is behind clouds or the observer.
    pub fn new(scene: &Scene, rng: &mut Rng) -> Option<Self> {
        let shape = match (scene.sky, scene.time) {
            (Sky::Rain | Sky::Snowfall | Sky::Rainbow, _) => return None,
            (Sky::Stars, _) => Shape::Crescent,
            (_, Time::Night) => Shape::Moon,
            _ => Shape::Sun,
        };
        let is_low = matches!(scene.time, Time::Dawn | Time::Sunset);
        let y = match scene.place {
            _ if !is_low => 11.5,
            Place::Sea => 31.0,
            Place::Meadow | Place::Desert | Place::Snow => 26.0,
            Place::Mountains | Place::City => 14.0,
        };
        let x = match free_side(scene, rng) {
            Side::Left => 13.0,
            Side::Middle => 32.0,
            Side::Right => 51.0,
        };
        let radius = if is_low { 6.2 } else { 5.0 };
        Some(Self { x: x + rng.within(-2.0..2.0), y: y + rng.within(-1.0..1.0), radius, shape })
    }

    /// Draws the lamp and the light around it.
    pub fn draw(&self, brush: &mut Brush<'_>, palette: &Palette) {
        let Self { x, y, radius, ref shape } = *self;
        brush.glow(x, y, radius * 4.6, palette.glow, 0.55);
        brush.glow(x, y, radius * 2.0, palette.glow, 0.65);
        let ink = palette.lamp.shining();
        match shape {
            Shape::Sun => brush.disc(x, y, radius, ink),
            Shape::Moon => {
                brush.disc(x, y, radius, ink);
                let spot = palette.lamp.mix(palette.sky[2], 0.09).shining();
                for (dx, dy, size) in [(-1.5, -1.1, 1.5), (1.5, 1.6, 1.1)] {
                    brush.disc(x + dx, y + dy, size, spot);
                }
            }
            Shape::Crescent => {
                let mut path = PathBuilder::new();
                path.move_to(1.0, -1.0);
                path.cubic_to(-1.6, -1.5, -1.6, 1.5, 1.0, 1.0);
                path.cubic_to(-0.5, 0.8, -0.5, -0.8, 1.0, -1.0);
                path.close();
                brush.at(x, y, radius).shape(&path.finish().expect("the crescent has corners"), ink);
            }
        }
    }
}

/// Picks the part of the image for the lamp: one with the lowest object, or with none.
fn free_side(scene: &Scene, rng: &mut Rng) -> Side {
    let height = |side: &Side| {
        let object = scene.objects.iter().find(|object| object.side == *side);
        object.map_or(0, |object| match (object.kind, object.size) {
            (Kind::Balloon, _) => 3,
            (_, Size::Big) => 2,
            (_, Size::Small) => 1,
        })
    };
    let sides = rng.shuffled(Side::ALL);
    *sides.iter().min_by_key(|side| height(side)).expect("there are sides")
}
