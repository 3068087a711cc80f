use super::{Colour, Count, Kind, Object, Place, Scene, Side, Size, Sky, Time};
use crate::rng::Rng;

impl Scene {
    /// Returns the scene of a seed.
    ///
    /// All values of an attribute are about equally frequent, as far as they fit together, except that half of the counts
    /// are one. Of ten scenes, six have one object, three have two and one has three.
    pub fn random(seed: u64) -> Self {
        let mut rng = Rng::new(seed, "scene");
        let place = *rng.pick(Place::ALL);
        let time = *rng.pick(Time::ALL);
        let sky = sky(&mut rng, place, time);
        let number = *rng.pick(&[1, 1, 1, 1, 1, 1, 2, 2, 2, 3]);
        let objects = match number {
            1 => vec![alone(&mut rng, place)],
            _ => rng.shuffled(Side::ALL).into_iter().take(number).map(|side| beside(&mut rng, place, side)).collect(),
        };
        Self { place, time, sky, objects }
    }
}

/// Picks a sky. Where both rain and snow may fall, each is half as frequent as the other skies, so most scenes are bright.
fn sky(rng: &mut Rng, place: Place, time: Time) -> Sky {
    let falling: Vec<Sky> = [Sky::Rain, Sky::Snowfall].into_iter().filter(|sky| sky.fits(place, time)).collect();
    let mut skies = vec![Sky::Clear, Sky::Clouds, *rng.pick(&falling)];
    skies.extend([Sky::Stars, Sky::Rainbow].into_iter().filter(|sky| sky.fits(place, time)));
    *rng.pick(&skies)
}

/// Picks an object that is alone in the image. Beside others there are at most two of the same; here mostly more.
fn alone(rng: &mut Rng, place: Place) -> Object {
    use Count::{One, Three, Two};
    let count = *rng.pick(&[One, One, Two, Three, Three]);
    // Objects beside others are mostly small.
    let size = *rng.pick(&[Size::Big, Size::Big, Size::Big, Size::Small, Size::Small]);
    // Three big ones are always in the middle, so the others are there less often.
    let side = match (size, count) {
        (Size::Big, Three) => Side::Middle,
        _ => *rng.pick(&[Side::Left, Side::Left, Side::Middle, Side::Right, Side::Right]),
    };
    object(rng, place, size, side, count)
}

/// Picks an object that leaves room for others.
fn beside(rng: &mut Rng, place: Place, side: Side) -> Object {
    use Count::{One, Two};
    use Size::{Big, Small};
    let (size, count) = *rng.pick(&[(Big, One), (Big, One), (Small, One), (Small, Two), (Small, Two)]);
    object(rng, place, size, side, count)
}

/// Picks an object with a random kind and colour.
fn object(rng: &mut Rng, place: Place, size: Size, side: Side, count: Count) -> Object {
    let kinds: Vec<Kind> =
        Kind::ALL.iter().flat_map(|kind| std::iter::repeat_n(*kind, kind.share(place) as usize)).collect();
    let kind = *rng.pick(&kinds);
    let colour = (!kind.colours().is_empty()).then(|| *rng.pick::<Colour>(kind.colours()));
    Object { kind, colour, size, side, count }
}
