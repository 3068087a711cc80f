use std::collections::BTreeSet;

use super::forms::{FRAMES, LEADS};
use super::place::Manner;
use super::{place, sky, thing, time};
use crate::{Colour, Count, Kind, Place, Side, Size, Sky, Time};

/// Every word that a caption can contain, in lower case and without punctuation.
///
/// ```
/// assert!(sd_scenes::words().contains("lighthouse"));
/// assert!(!sd_scenes::words().contains("dragon"));
/// ```
pub fn words() -> BTreeSet<&'static str> {
    let mut phrases: Vec<&'static str> = [FRAMES, LEADS].concat();
    for &kind in Kind::ALL {
        phrases.extend(thing::nouns(kind).iter().flatten().chain(&thing::verbs(kind)));
    }
    phrases.extend(Colour::ALL.iter().flat_map(|colour| thing::colours(*colour)));
    phrases.extend(Size::ALL.iter().flat_map(|size| thing::sizes(*size)));
    phrases.extend(Side::ALL.iter().flat_map(|side| thing::sides(*side)));
    phrases.extend(Count::ALL.iter().filter_map(|count| thing::number(*count)));
    for &here in Place::ALL {
        phrases.extend(Manner::ALL.iter().flat_map(|manner| place::phrases(here, *manner)));
        phrases.extend(place::nouns(here).iter().chain(place::tags(here)));
    }
    for &now in Time::ALL {
        phrases.extend(time::phrases(now).iter().chain(time::tags(now)).chain([&time::part(now)]));
        phrases
            .extend(Sky::ALL.iter().flat_map(|sky| sky::phrases(*sky, now).iter().chain(sky::adjectives(*sky, now))));
    }
    phrases.extend(Sky::ALL.iter().flat_map(|sky| sky::tags(*sky)));
    phrases.iter().flat_map(|phrase| phrase.split(' ')).collect()
}
