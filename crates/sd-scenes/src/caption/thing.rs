use super::caption_facts::{CaptionFacts, ObjectFacts};
use super::english;
use crate::rng::Rng;
use crate::{Colour, Count, Kind, Object, Side, Size};

/// The nouns of a kind: singular and plural.
pub(super) fn nouns(kind: Kind) -> &'static [[&'static str; 2]] {
    match kind {
        Kind::House => &[["house", "houses"], ["cottage", "cottages"]],
        Kind::Tree => &[["tree", "trees"]],
        Kind::Pine => &[["pine", "pines"], ["pine tree", "pine trees"], ["fir tree", "fir trees"]],
        Kind::Palm => &[["palm", "palms"], ["palm tree", "palm trees"]],
        Kind::Cactus => &[["cactus", "cacti"], ["cactus", "cactuses"]],
        Kind::Boat => &[["boat", "boats"], ["sailboat", "sailboats"], ["sailing boat", "sailing boats"]],
        Kind::Lighthouse => &[["lighthouse", "lighthouses"]],
        Kind::Windmill => &[["windmill", "windmills"], ["mill", "mills"]],
        Kind::Balloon => &[["balloon", "balloons"], ["hot air balloon", "hot air balloons"]],
        Kind::Car => &[["car", "cars"]],
        Kind::Snowman => &[["snowman", "snowmen"]],
        Kind::Tent => &[["tent", "tents"]],
    }
}

/// The verb of a kind: singular and plural.
pub(super) fn verbs(kind: Kind) -> [&'static str; 2] {
    match kind {
        Kind::Boat => ["sails", "sail"],
        Kind::Balloon => ["floats", "float"],
        Kind::Car => ["drives", "drive"],
        _ => ["stands", "stand"],
    }
}

/// The names of a colour.
pub(super) fn colours(colour: Colour) -> &'static [&'static str] {
    match colour {
        Colour::Red => &["red"],
        Colour::Orange => &["orange"],
        Colour::Yellow => &["yellow"],
        Colour::Green => &["green"],
        Colour::Blue => &["blue"],
        Colour::Purple => &["purple", "violet"],
        Colour::Pink => &["pink"],
        Colour::White => &["white"],
    }
}

/// The names of a size.
pub(super) fn sizes(size: Size) -> &'static [&'static str] {
    match size {
        Size::Small => &["small", "little"],
        Size::Big => &["big", "large"],
    }
}

/// Phrases for the part of the image.
pub(super) fn sides(side: Side) -> &'static [&'static str] {
    match side {
        Side::Left => &["on the left", "to the left", "on the left side"],
        Side::Middle => &["in the middle", "in the center", "in the centre"],
        Side::Right => &["on the right", "to the right", "on the right side"],
    }
}

/// The number before a noun; none for one object.
pub(super) fn number(count: Count) -> Option<&'static str> {
    match count {
        Count::One => None,
        Count::Two => Some("two"),
        Count::Three => Some("three"),
    }
}

/// An object in words without an article, such as "two small red houses". Whether size and colour are named is random.
pub(super) fn bare(object: &Object, rng: &mut Rng, facts: &mut CaptionFacts) -> String {
    let Object { kind, count, .. } = *object;
    let mut object_facts = ObjectFacts { kind, colour: None, size: None, side: None, count };
    let mut words = Vec::from_iter(number(count));
    if rng.chance(0.5) {
        object_facts.size = Some(object.size);
        words.push(english::likely(rng, sizes(object.size)));
    }
    if let Some(colour) = object.colour
        && rng.chance(0.88)
    {
        object_facts.colour = Some(colour);
        words.push(english::likely(rng, colours(colour)));
    }
    facts.objects.push(object_facts);
    let [one, several] = english::likely(rng, nouns(kind));
    words.push(if count == Count::One { one } else { several });
    words.join(" ")
}

/// An object in words with its article, such as "an orange tent" or "two orange tents".
pub(super) fn phrase(object: &Object, rng: &mut Rng, facts: &mut CaptionFacts) -> String {
    let bare = bare(object, rng, facts);
    if object.count == Count::One { english::with_article(&bare) } else { bare }
}
