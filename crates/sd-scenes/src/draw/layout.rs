use super::objects;
use super::spot::Spot;
use crate::rng::Rng;
use crate::{Count, Kind, Object, Place, Scene, Side, Size};

/// Places the things of a scene, and returns the farthest first.
pub(super) fn spots(scene: &Scene, rng: &mut Rng) -> Vec<Spot> {
    let mut spots: Vec<Spot> = scene.objects.iter().flat_map(|object| group(object, scene.place, rng)).collect();
    spots.sort_by(|a, b| (a.kind == Kind::Balloon, a.y).partial_cmp(&(b.kind == Kind::Balloon, b.y)).expect("numbers"));
    spots
}

/// Places the things of one object side by side.
fn group(object: &Object, place: Place, rng: &mut Rng) -> Vec<Spot> {
    let scale = match (object.size, object.count) {
        (Size::Small, _) => 0.58,
        (Size::Big, Count::One) => 1.0,
        (Size::Big, Count::Two) => 0.86,
        (Size::Big, Count::Three) => 0.82,
    };
    let number: u8 = match object.count {
        Count::One => 1,
        Count::Two => 2,
        Count::Three => 3,
    };
    let room = 62.0 / f32::from(number);
    let step = (objects::width(object.kind) * scale + 0.5).min(room);
    let half = step * f32::from(number) / 2.0;
    let centre = match object.side {
        Side::Left => 12.5,
        Side::Middle => 32.0,
        Side::Right => 51.5,
    };
    let centre = (centre + rng.within(-2.0..2.0)).clamp(1.0 + half, 63.0 - half);
    let base = base(object.kind, place, object.size) + rng.within(-1.0..1.0);
    (0..number)
        .map(|index| {
            // The second of a group is a little nearer; balloons hang more unevenly.
            let nearer = if index == 1 { 1.6 } else { 0.0 };
            let lift = if object.kind == Kind::Balloon { -2.6 } else { 1.0 };
            let x = centre - half + step * (f32::from(index) + 0.5);
            Spot { kind: object.kind, colour: object.colour, x, y: base + nearer * lift, scale }
        })
        .collect()
}

/// The height at which a thing of a kind stands; a small one is farther away.
fn base(kind: Kind, place: Place, size: Size) -> f32 {
    let (small, big) = match (kind, place) {
        (Kind::Balloon, _) => (23.0, 29.0),
        (Kind::Boat, Place::Mountains) => (43.5, 47.5),
        (Kind::Car, Place::City) => (55.0, 59.5),
        (_, Place::City) => (49.5, 50.5),
        (_, Place::Mountains) => (55.5, 60.0),
        (_, Place::Sea) => (45.0, 52.0),
        _ => (48.0, 56.0),
    };
    match size {
        Size::Small => small,
        Size::Big => big,
    }
}
