use crate::{Kind, Place};

/// How the named objects are in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Standing in it.
    In,
    /// Above it, as balloons are.
    Over,
    /// On its water, as boats are.
    Afloat,
    /// On its streets, as cars are.
    Driving,
}

impl Manner {
    /// Every manner.
    pub const ALL: &[Self] = &[Self::In, Self::Over, Self::Afloat, Self::Driving];

    /// The common manner of objects of several kinds.
    pub fn from_kinds(kinds: impl Iterator<Item = Kind>) -> Self {
        let one = |kind| match kind {
            Kind::Balloon => Self::Over,
            Kind::Boat => Self::Afloat,
            Kind::Car => Self::Driving,
            _ => Self::In,
        };
        kinds.map(one).reduce(|a, b| if a == b { a } else { Self::In }).unwrap_or(Self::In)
    }
}

/// Phrases for where the objects are.
pub(super) fn phrases(place: Place, manner: Manner) -> &'static [&'static str] {
    use Manner::{Afloat, Driving, In, Over};
    match (place, manner) {
        (Place::Sea, Over) => &["over the sea", "above the sea", "over the ocean", "over the water"],
        (Place::Sea, Afloat) => &["on the sea", "on the ocean", "on the water", "at sea"],
        (Place::Sea, In | Driving) => &["by the sea", "at the sea", "in the sea", "by the ocean"],
        (Place::Meadow, Over) => &["over a meadow", "above a green field", "over green hills", "over the meadow"],
        (Place::Meadow, _) => &["in a meadow", "on a green meadow", "in a field", "among green hills", "in the grass"],
        (Place::Desert, Over) => &["over the desert", "above the dunes", "over a desert", "over the sand"],
        (Place::Desert, _) => &["in the desert", "in a desert", "in the sand", "among the dunes"],
        (Place::Snow, Over) => &["over the snow", "above snowy hills", "over a snowy field"],
        (Place::Snow, _) => &["in the snow", "in a snowy field", "in a winter landscape", "among snowy hills"],
        (Place::Mountains, Over) => &["over the mountains", "above a mountain lake", "over a lake in the mountains"],
        (Place::Mountains, Afloat) => &["on a mountain lake", "on a lake in the mountains", "in the mountains"],
        (Place::Mountains, In | Driving) => &["in the mountains", "by a mountain lake", "by a lake in the mountains"],
        (Place::City, Over) => &["over the city", "above a city", "over the town"],
        (Place::City, Driving) => &["in the city", "on a city street", "in a city", "on the road in a town"],
        (Place::City, In | Afloat) => &["in the city", "in a city", "in town", "by the road in a city"],
    }
}

/// Names of the place with an article.
pub(super) fn nouns(place: Place) -> &'static [&'static str] {
    match place {
        Place::Sea => &["the sea", "the ocean", "a calm sea"],
        Place::Meadow => &["a meadow", "a green meadow", "a field", "green hills"],
        Place::Desert => &["the desert", "a desert", "a sandy desert"],
        Place::Snow => &["a snowy field", "a winter landscape", "snowy hills"],
        Place::Mountains => &["the mountains", "a mountain lake", "a lake in the mountains"],
        Place::City => &["the city", "a city", "a city street", "a town"],
    }
}

/// Tags of the place.
pub(super) fn tags(place: Place) -> &'static [&'static str] {
    match place {
        Place::Sea => &["sea", "ocean", "water"],
        Place::Meadow => &["meadow", "field", "green hills"],
        Place::Desert => &["desert", "sand", "dunes"],
        Place::Snow => &["snow", "winter", "snowy hills"],
        Place::Mountains => &["mountains", "mountain lake"],
        Place::City => &["city", "town"],
    }
}
