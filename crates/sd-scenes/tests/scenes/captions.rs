use sd_scenes::{Kind, Scene, Sky, Time, words};

/// The words of a caption, in lower case.
fn parts(caption: &str) -> Vec<String> {
    caption.split(' ').map(|word| word.trim_matches([',', '.']).to_lowercase()).collect()
}

/// Captions of many scenes, each with the scene.
fn captions() -> impl Iterator<Item = (Scene, String)> {
    (0..20_000).map(|seed| {
        let scene = Scene::random(seed);
        let caption = scene.caption(seed);
        (scene, caption)
    })
}

/// Words that name a kind and no other.
fn nouns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::House => &["house", "houses", "cottage", "cottages"],
        Kind::Tree => &["tree", "trees"],
        Kind::Pine => &["pine", "pines", "fir"],
        Kind::Palm => &["palm", "palms"],
        Kind::Cactus => &["cactus", "cacti", "cactuses"],
        Kind::Boat => &["boat", "boats", "sailboat", "sailboats"],
        Kind::Lighthouse => &["lighthouse", "lighthouses"],
        Kind::Windmill => &["windmill", "windmills", "mill", "mills"],
        Kind::Balloon => &["balloon", "balloons"],
        Kind::Car => &["car", "cars"],
        Kind::Snowman => &["snowman", "snowmen"],
        Kind::Tent => &["tent", "tents"],
    }
}

#[test]
fn captions_have_three_to_thirty_words_all_of_them_known() {
    let known = words();
    for (_, caption) in captions() {
        let parts = parts(&caption);
        assert!((3..=30).contains(&parts.len()), "{caption}");
        assert!(parts.iter().all(|word| known.contains(word.as_str())), "{caption}");
    }
}

#[test]
fn every_known_word_is_used() {
    let used: std::collections::BTreeSet<String> = captions().flat_map(|(_, caption)| parts(&caption)).collect();
    let unused: Vec<&str> = words().into_iter().filter(|word| !used.contains(*word)).collect();
    assert_eq!(unused, [""; 0]);
}

#[test]
fn captions_name_the_main_object_and_none_that_is_not_there() {
    for (scene, caption) in captions() {
        let parts = parts(&caption);
        let names = |kind: Kind| parts.iter().any(|word| nouns(kind).contains(&word.as_str()));
        assert!(names(scene.objects[0].kind), "{caption}");
        // "Palm trees" and "pine trees" are not of the kind tree.
        for &kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Tree) {
            assert!(!names(kind) || scene.objects.iter().any(|object| object.kind == kind), "{caption}");
        }
    }
}

#[test]
fn times_and_skies_in_captions_are_right() {
    for (scene, caption) in captions() {
        let parts = parts(&caption);
        let says = |word: &str| parts.iter().any(|part| part == word);
        for (word, time) in [("dawn", Time::Dawn), ("noon", Time::Day), ("dusk", Time::Sunset), ("night", Time::Night)]
        {
            assert!(!says(word) || scene.time == time, "{caption}");
        }
        for (word, sky) in
            [("rain", Sky::Rain), ("clouds", Sky::Clouds), ("stars", Sky::Stars), ("snows", Sky::Snowfall)]
        {
            assert!(!says(word) || scene.sky == sky, "{caption}");
        }
    }
}

#[test]
fn articles_and_plurals_are_right() {
    for (_, caption) in captions() {
        let parts = parts(&caption);
        for pair in parts.windows(2) {
            let vowel = pair[1].starts_with(['a', 'e', 'i', 'o', 'u']);
            assert!(pair[0] != "a" || !vowel, "{caption}");
            assert!(pair[0] != "an" || vowel, "{caption}");
            assert!(!matches!(pair[0].as_str(), "two" | "three") || pair[1] != "house", "{caption}");
        }
        if parts.starts_with(&["there".into(), "is".into()]) {
            assert!(matches!(parts[2].as_str(), "a" | "an"), "{caption}");
        }
        assert_eq!(caption.ends_with('.'), caption.starts_with(char::is_uppercase), "{caption}");
    }
}

#[test]
fn a_scene_has_many_wordings() {
    let scene = Scene::random(5);
    let wordings: std::collections::BTreeSet<String> = (0..1000).map(|seed| scene.caption(seed)).collect();
    assert!(wordings.len() > 500, "{}", wordings.len());
}
