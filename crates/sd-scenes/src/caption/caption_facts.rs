use crate::{Colour, Count, Kind, Object, Place, Scene, Side, Size, Sky, Time};

/// The facts that a caption states about its scene. All are true; other attributes may have any value.
///
/// Conclusions do not count: "under the stars" states the sky, and not that it is night.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaptionFacts {
    /// The place.
    pub place: Option<Place>,
    /// The time of day.
    pub time: Option<Time>,
    /// The sky.
    pub sky: Option<Sky>,
    /// The named objects, in the order of the scene.
    pub objects: Vec<ObjectFacts>,
}

/// The facts that a caption states about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectFacts {
    /// The kind of the object.
    pub kind: Kind,
    /// Its colour.
    pub colour: Option<Colour>,
    /// How large it is.
    pub size: Option<Size>,
    /// Which part of the image it is in.
    pub side: Option<Side>,
    /// How many there are; a singular noun states one.
    pub count: Count,
}

impl CaptionFacts {
    /// Returns all facts about a scene.
    pub fn all(scene: &Scene) -> Self {
        let Scene { place, time, sky, ref objects } = *scene;
        let all = |&Object { kind, colour, size, side, count }: &Object| ObjectFacts {
            kind,
            colour,
            size: Some(size),
            side: Some(side),
            count,
        };
        Self { place: Some(place), time: Some(time), sky: Some(sky), objects: objects.iter().map(all).collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::caption::place::{self, Manner};
    use crate::caption::{sky, thing, time};

    fn captions() -> impl Iterator<Item = (Scene, String, CaptionFacts)> {
        (0..3000).map(|seed| {
            let scene = Scene::random(seed);
            let (caption, facts) = scene.caption_and_facts(seed);
            (scene, caption, facts)
        })
    }

    /// Counts the words of the caption that are among `words`.
    fn count(caption: &str, words: &BTreeSet<&str>) -> usize {
        let plain = caption.to_lowercase().replace([',', '.'], "");
        plain.split(' ').filter(|word| words.contains(word)).count()
    }

    #[test]
    fn all_facts_are_true_of_the_scene() {
        for (scene, caption, facts) in captions() {
            let all = CaptionFacts::all(&scene);
            assert!(facts.place.is_none_or(|place| place == scene.place), "{caption}");
            assert!(facts.time.is_none_or(|time| time == scene.time), "{caption}");
            assert!(facts.sky.is_none_or(|sky| sky == scene.sky), "{caption}");
            assert!(!facts.objects.is_empty() && facts.objects.len() <= all.objects.len(), "{caption}");
            for (facts, all) in facts.objects.iter().zip(&all.objects) {
                assert_eq!((facts.kind, facts.count), (all.kind, all.count), "{caption}");
                assert!(facts.colour.is_none() || facts.colour == all.colour, "{caption}");
                assert!(facts.size.is_none() || facts.size == all.size, "{caption}");
                assert!(facts.side.is_none() || facts.side == all.side, "{caption}");
            }
        }
    }

    #[test]
    fn sizes_sides_and_times_are_facts_as_often_as_the_caption_has_their_words() {
        let sizes = Size::ALL.iter().flat_map(|size| thing::sizes(*size).iter().copied()).collect();
        let sides = BTreeSet::from(["left", "middle", "center", "centre", "right"]);
        let times = Time::ALL.iter().flat_map(|time| time::tags(*time).iter().copied()).collect();
        for (_, caption, facts) in captions() {
            let objects = |test: fn(&ObjectFacts) -> bool| facts.objects.iter().filter(|object| test(object)).count();
            assert_eq!(count(&caption, &sizes), objects(|object| object.size.is_some()), "{caption}");
            assert_eq!(count(&caption, &sides), objects(|object| object.side.is_some()), "{caption}");
            assert_eq!(count(&caption, &times) > 0, facts.time.is_some(), "{caption}");
        }
    }

    #[test]
    fn every_fact_has_its_words_in_the_caption() {
        for (_, caption, facts) in captions() {
            let caption = caption.to_lowercase();
            let check =
                |words: &[&str]| assert!(words.iter().any(|words| caption.contains(words)), "{words:?}: {caption}");
            if let Some(place) = facts.place {
                let phrases = Manner::ALL.iter().flat_map(|manner| place::phrases(place, *manner));
                check(&phrases.chain(place::nouns(place)).chain(place::tags(place)).copied().collect::<Vec<_>>());
            }
            if let Some(sky) = facts.sky {
                let words = |time| sky::phrases(sky, time).iter().chain(sky::adjectives(sky, time));
                check(
                    &Time::ALL.iter().flat_map(|time| words(*time)).chain(sky::tags(sky)).copied().collect::<Vec<_>>(),
                );
            }
            for object in &facts.objects {
                check(thing::nouns(object.kind).as_flattened());
                object.colour.iter().for_each(|colour| check(thing::colours(*colour)));
                thing::number(object.count).iter().for_each(|number| check(&[number]));
            }
        }
    }

    #[test]
    fn about_seven_objects_of_eight_have_their_colour_in_the_caption() {
        let objects: Vec<ObjectFacts> = captions().flat_map(|(.., facts)| facts.objects).collect();
        let coloured: Vec<_> = objects.iter().filter(|object| !object.kind.colours().is_empty()).collect();
        let share = coloured.iter().filter(|object| object.colour.is_some()).count() as f64 / coloured.len() as f64;
        assert!((0.86..0.9).contains(&share), "{share}");
    }
}
