use std::collections::BTreeMap;

use sd_scenes::{CaptionFacts, Object, ObjectFacts, Scene};
use serde::{Deserialize, Serialize};

use super::{Attribute, Score};

/// How often images show what their captions say. Only attributes in the caption count.
///
/// An object is right if one of its kind is seen in any part of the image. Its other attributes are right if that object
/// has them, and wrong if there is none. If several objects of its kind are seen, the caption has the benefit of the
/// doubt: of all ways to pair the caption's objects with seen ones, the one with the most right attributes counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement(BTreeMap<Attribute, Score>);

impl Judgement {
    /// Judges one image by the facts in its caption and the scene that is seen in it.
    pub fn judge(&mut self, facts: &CaptionFacts, seen: &Scene) {
        let mut found: Vec<(Attribute, bool)> = Vec::new();
        found.extend(facts.place.map(|place| (Attribute::Place, place == seen.place)));
        found.extend(facts.time.map(|time| (Attribute::Time, time == seen.time)));
        found.extend(facts.sky.map(|sky| (Attribute::Sky, sky == seen.sky)));
        found.extend(best(&facts.objects, &seen.objects));
        found.push((Attribute::Caption, found.iter().all(|(_, is_right)| *is_right)));
        found.into_iter().for_each(|(attribute, is_right)| self.0.entry(attribute).or_default().count(is_right));
    }

    /// The score of an attribute.
    pub fn score(&self, attribute: Attribute) -> Score {
        self.0.get(&attribute).copied().unwrap_or_default()
    }
}

/// Judges the objects of a caption in the best way to pair them with seen ones, each of which is used once.
fn best(facts: &[ObjectFacts], seen: &[Object]) -> Vec<(Attribute, bool)> {
    let Some((first, rest)) = facts.split_first() else { return Vec::new() };
    let candidates = (0..seen.len()).filter(|at| seen[*at].kind == first.kind);
    let paired = candidates.map(|at| {
        let others = [&seen[..at], &seen[at + 1..]].concat();
        [compare(first, Some(&seen[at])), best(rest, &others)].concat()
    });
    let missed = [compare(first, None), best(rest, seen)].concat();
    let right = |found: &Vec<(Attribute, bool)>| {
        let count = |only: &dyn Fn(Attribute) -> bool| found.iter().filter(|(a, right)| *right && only(*a)).count();
        (count(&|attribute| attribute == Attribute::Object), count(&|_| true))
    };
    paired.chain([missed]).max_by_key(right).expect("one way at least")
}

/// Compares an object of a caption with the one that is seen, if any.
fn compare(facts: &ObjectFacts, seen: Option<&Object>) -> Vec<(Attribute, bool)> {
    let shows = |test: &dyn Fn(&Object) -> bool| seen.is_some_and(test);
    let mut found = vec![(Attribute::Object, seen.is_some())];
    found.extend(facts.colour.map(|colour| (Attribute::Colour, shows(&|seen| seen.colour == Some(colour)))));
    found.extend(facts.side.map(|side| (Attribute::Side, shows(&|seen| seen.side == side))));
    found.extend(facts.size.map(|size| (Attribute::Size, shows(&|seen| seen.size == size))));
    found.push((Attribute::Count, shows(&|seen| seen.count == facts.count)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use sd_scenes::{Colour, Count, Kind, Place, Side, Size, Sky, Time};

    fn house(colour: Colour, side: Side) -> Object {
        Object { kind: Kind::House, colour: Some(colour), size: Size::Big, side, count: Count::One }
    }

    fn scene(objects: Vec<Object>) -> Scene {
        Scene { place: Place::Snow, time: Time::Night, sky: Sky::Stars, objects }
    }

    fn judged(facts: &CaptionFacts, seen: &Scene) -> Judgement {
        let mut judgement = Judgement::default();
        judgement.judge(facts, seen);
        judgement
    }

    fn scores(judgement: &Judgement) -> [(u64, u64); 9] {
        Attribute::ALL.map(|attribute| (judgement.score(attribute).right, judgement.score(attribute).cases))
    }

    #[test]
    fn a_scene_shows_all_that_its_captions_say() {
        let mut judgement = Judgement::default();
        for seed in 0..500 {
            let scene = Scene::random(seed);
            judgement.judge(&CaptionFacts::all(&scene), &scene);
            judgement.judge(&scene.caption_and_facts(seed).1, &scene);
        }
        for attribute in Attribute::ALL {
            let score = judgement.score(attribute);
            assert!(score.cases > 500 && score.right == score.cases, "{attribute}: {score:?}");
        }
    }

    #[test]
    fn attributes_that_are_not_in_the_caption_do_not_count() {
        let facts = CaptionFacts { time: Some(Time::Day), ..CaptionFacts::default() };
        let found = scores(&judged(&facts, &scene(vec![])));
        assert_eq!(found, [(0, 0), (0, 1), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 1)]);
    }

    #[test]
    fn an_object_that_is_missing_has_none_of_its_attributes() {
        let facts = CaptionFacts::all(&scene(vec![house(Colour::Red, Side::Left)]));
        let found = scores(&judged(&facts, &scene(vec![])));
        assert_eq!(found, [(1, 1), (1, 1), (1, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1)]);
    }

    #[test]
    fn of_two_houses_the_one_that_is_meant_is_taken() {
        let (red, blue) = (house(Colour::Red, Side::Left), house(Colour::Blue, Side::Right));
        let all = CaptionFacts::all(&scene(vec![blue]));
        assert_eq!(scores(&judged(&all, &scene(vec![red, blue])))[8], (1, 1));
        let both = CaptionFacts::all(&scene(vec![blue, red]));
        assert_eq!(scores(&judged(&both, &scene(vec![red, blue])))[8], (1, 1));
        // One house cannot be both of them.
        let found = scores(&judged(&both, &scene(vec![red])));
        assert_eq!((found[3], found[4], found[8]), ((1, 2), (1, 2), (0, 1)));
    }
}
