use crate::{Colour, Count, Kind, Object, Place, Scene, Side, Size, Sky, Time};

/// What a caption tells of its scene in words of its own: all of it is so, and what is not told may be any way.
///
/// What follows from a word is not told by it: "under the stars" tells the sky, and not that it is night.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaptionFacts {
    /// Where.
    pub place: Option<Place>,
    /// When.
    pub time: Option<Time>,
    /// Under which sky.
    pub sky: Option<Sky>,
    /// The objects that are named, in the order of the scene's.
    pub objects: Vec<ObjectFacts>,
}

/// What a caption tells of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectFacts {
    /// What it is.
    pub kind: Kind,
    /// Its colour.
    pub colour: Option<Colour>,
    /// How large it is.
    pub size: Option<Size>,
    /// Which part of the image it is in.
    pub side: Option<Side>,
    /// How many there are, which the noun itself tells of one.
    pub count: Count,
}

impl CaptionFacts {
    /// All that can be told of a scene.
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

    /// How many words of the caption are among some, each of one word.
    fn count(caption: &str, words: &BTreeSet<&str>) -> usize {
        let plain = caption.to_lowercase().replace([',', '.'], "");
        plain.split(' ').filter(|word| words.contains(word)).count()
    }

    #[test]
    fn what_is_told_is_true_of_the_scene() {
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
    fn sizes_sides_and_times_are_told_as_often_as_the_caption_has_their_words() {
        let sizes = Size::ALL.iter().flat_map(|size| thing::sizes(*size).iter().copied()).collect();
        let sides = BTreeSet::from(["left", "middle", "center", "centre", "right"]);
        let times = Time::ALL.iter().flat_map(|time| time::tags(*time).iter().copied()).collect();
        for (_, caption, facts) in captions() {
            let of = |tells: fn(&ObjectFacts) -> bool| facts.objects.iter().filter(|object| tells(object)).count();
            assert_eq!(count(&caption, &sizes), of(|object| object.size.is_some()), "{caption}");
            assert_eq!(count(&caption, &sides), of(|object| object.side.is_some()), "{caption}");
            assert_eq!(count(&caption, &times) > 0, facts.time.is_some(), "{caption}");
        }
    }

    #[test]
    fn what_is_told_has_its_words_in_the_caption() {
        for (_, caption, facts) in captions() {
            let caption = caption.to_lowercase();
            let has =
                |words: &[&str]| assert!(words.iter().any(|words| caption.contains(words)), "{words:?}: {caption}");
            if let Some(place) = facts.place {
                let phrases = Manner::ALL.iter().flat_map(|manner| place::phrases(place, *manner));
                has(&phrases.chain(place::nouns(place)).chain(place::tags(place)).copied().collect::<Vec<_>>());
            }
            if let Some(sky) = facts.sky {
                let of = |time| sky::phrases(sky, time).iter().chain(sky::adjectives(sky, time));
                has(&Time::ALL.iter().flat_map(|t| of(*t)).chain(sky::tags(sky)).copied().collect::<Vec<_>>());
            }
            for object in &facts.objects {
                has(thing::nouns(object.kind).as_flattened());
                object.colour.iter().for_each(|colour| has(thing::colours(*colour)));
                thing::number(object.count).iter().for_each(|number| has(&[number]));
            }
        }
    }

    #[test]
    fn colours_are_told_of_about_seven_objects_of_eight() {
        let objects: Vec<ObjectFacts> = captions().flat_map(|(.., facts)| facts.objects).collect();
        let coloured: Vec<_> = objects.iter().filter(|object| !object.kind.colours().is_empty()).collect();
        let share = coloured.iter().filter(|object| object.colour.is_some()).count() as f64 / coloured.len() as f64;
        assert!((0.86..0.9).contains(&share), "{share}");
    }
}
