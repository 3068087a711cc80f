use std::collections::BTreeMap;

use sd_scenes::{Object, Scene, Told, ToldObject};
use serde::{Deserialize, Serialize};

use super::{Attribute, Score};

/// How often images show what their captions tell: only what is told counts.
///
/// An object is right where one of its kind is seen in any part of the image. Its other attributes are right where
/// that one has them, and wrong where there is none. Where several of its kind are seen, the caption has the benefit of
/// the doubt: of all ways to pair what is told with what is seen, the one counts that makes the most right.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement(BTreeMap<Attribute, Score>);

impl Judgement {
    /// Judges one image: what its caption tells, and the scene that is seen in it.
    pub fn judge(&mut self, told: &Told, seen: &Scene) {
        let mut found: Vec<(Attribute, bool)> = Vec::new();
        found.extend(told.place.map(|place| (Attribute::Place, place == seen.place)));
        found.extend(told.time.map(|time| (Attribute::Time, time == seen.time)));
        found.extend(told.sky.map(|sky| (Attribute::Sky, sky == seen.sky)));
        found.extend(best(&told.objects, &seen.objects));
        found.push((Attribute::Caption, found.iter().all(|(_, is_right)| *is_right)));
        found.into_iter().for_each(|(attribute, is_right)| self.0.entry(attribute).or_default().count(is_right));
    }

    /// The score of an attribute.
    pub fn score(&self, attribute: Attribute) -> Score {
        self.0.get(&attribute).copied().unwrap_or_default()
    }
}

/// What the told objects are like in the best way to pair them with seen ones, each of which is taken once.
fn best(told: &[ToldObject], seen: &[Object]) -> Vec<(Attribute, bool)> {
    let Some((first, rest)) = told.split_first() else { return Vec::new() };
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

/// What is told of an object beside what is seen of it.
fn compare(told: &ToldObject, seen: Option<&Object>) -> Vec<(Attribute, bool)> {
    let is = |test: &dyn Fn(&Object) -> bool| seen.is_some_and(test);
    let mut found = vec![(Attribute::Object, seen.is_some())];
    found.extend(told.colour.map(|colour| (Attribute::Colour, is(&|seen| seen.colour == Some(colour)))));
    found.extend(told.side.map(|side| (Attribute::Side, is(&|seen| seen.side == side))));
    found.extend(told.size.map(|size| (Attribute::Size, is(&|seen| seen.size == size))));
    found.push((Attribute::Count, is(&|seen| seen.count == told.count)));
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

    fn judged(told: &Told, seen: &Scene) -> Judgement {
        let mut judgement = Judgement::default();
        judgement.judge(told, seen);
        judgement
    }

    fn scores(judgement: &Judgement) -> [(u64, u64); 9] {
        Attribute::ALL.map(|attribute| (judgement.score(attribute).right, judgement.score(attribute).cases))
    }

    #[test]
    fn a_scene_shows_all_that_its_captions_tell() {
        let mut judgement = Judgement::default();
        for seed in 0..500 {
            let scene = Scene::random(seed);
            judgement.judge(&Told::all(&scene), &scene);
            judgement.judge(&scene.caption_and_told(seed).1, &scene);
        }
        for attribute in Attribute::ALL {
            let score = judgement.score(attribute);
            assert!(score.cases > 500 && score.right == score.cases, "{attribute}: {score:?}");
        }
    }

    #[test]
    fn what_is_not_told_does_not_count() {
        let told = Told { time: Some(Time::Day), ..Told::default() };
        let found = scores(&judged(&told, &scene(vec![])));
        assert_eq!(found, [(0, 0), (0, 1), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 1)]);
    }

    #[test]
    fn an_object_that_is_missing_has_none_of_its_attributes() {
        let told = Told::all(&scene(vec![house(Colour::Red, Side::Left)]));
        let found = scores(&judged(&told, &scene(vec![])));
        assert_eq!(found, [(1, 1), (1, 1), (1, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1)]);
    }

    #[test]
    fn of_two_houses_the_one_that_is_meant_is_taken() {
        let (red, blue) = (house(Colour::Red, Side::Left), house(Colour::Blue, Side::Right));
        let all = Told::all(&scene(vec![blue]));
        assert_eq!(scores(&judged(&all, &scene(vec![red, blue])))[8], (1, 1));
        let both = Told::all(&scene(vec![blue, red]));
        assert_eq!(scores(&judged(&both, &scene(vec![red, blue])))[8], (1, 1));
        // One house cannot be both of them.
        let found = scores(&judged(&both, &scene(vec![red])));
        assert_eq!((found[3], found[4], found[8]), ((1, 2), (1, 2), (0, 1)));
    }
}
