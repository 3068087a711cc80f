use sd_scenes::{Colour, Count, Image, Kind, Object, Place, Scene, SceneError, Side, Size, Sky, Split, Time};

/// A scene with one small thing in the middle.
fn scene(place: Place, time: Time, sky: Sky, kind: Kind) -> Scene {
    let colour = kind.colours().first().copied();
    let object = Object { kind, colour, size: Size::Small, side: Side::Middle, count: Count::One };
    Scene { place, time, sky, objects: vec![object] }
}

/// The mean difference of two images, of 255.
fn difference(a: &Image, b: &Image) -> f64 {
    let sum: u64 = a.rgb.iter().zip(&b.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.rgb.len() as f64
}

/// The 64-bit FNV-1a hash.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

#[test]
fn the_images_and_captions_of_a_seed_stay_as_they_are() {
    let samples: Vec<_> = (0..24).map(|index| Split::Train.sample(index, 1, 64)).collect();
    let rgb: Vec<u8> = samples.iter().flat_map(|sample| sample.image.rgb.clone()).collect();
    let captions: Vec<&str> = samples.iter().map(|sample| sample.caption.as_str()).collect();
    // Made by tiny-skia 0.12 without `simd`. If one of them changes, models are trained on other data.
    assert_eq!((fnv(&rgb), fnv(captions.join("\n").as_bytes())), (0x092F_42D5_D8F2_45C5, 0xA880_F158_7E30_6CA4));
}

#[test]
fn every_object_is_drawn_under_every_sky_at_every_time_in_every_place_that_it_fits() {
    let mut drawn = 0;
    for (&place, &time) in Place::ALL.iter().flat_map(|place| Time::ALL.iter().map(move |time| (place, time))) {
        for &sky in Sky::ALL.iter().filter(|sky| sky.fits(place, time)) {
            for &kind in Kind::ALL.iter().filter(|kind| kind.fits(place)) {
                assert_eq!(scene(place, time, sky, kind).draw(1, 16).rgb.len(), 16 * 16 * 3);
                drawn += 1;
            }
        }
    }
    assert_eq!(drawn, 455);
}

#[test]
fn every_object_is_drawn_in_every_size_number_and_part_of_the_image() {
    for (&place, &kind) in Place::ALL.iter().flat_map(|place| Kind::ALL.iter().map(move |kind| (place, kind))) {
        if kind.fits(place) {
            let scenes: Vec<Scene> = arrangements(&scene(place, Time::Night, Sky::Clear, kind)).collect();
            assert_eq!(scenes.len(), 16);
            for scene in scenes {
                assert_eq!(scene.draw(1, 16).rgb.len(), 16 * 16 * 3);
            }
        }
    }
}

/// The scene with its object in every size, number and part of the image.
fn arrangements(scene: &Scene) -> impl Iterator<Item = Scene> {
    let triples = Size::ALL.iter().flat_map(|size| {
        Side::ALL.iter().flat_map(move |side| Count::ALL.iter().map(move |count| (*size, *side, *count)))
    });
    let all = triples.map(|(size, side, count)| {
        let object = Object { size, side, count, ..scene.objects[0] };
        Scene { objects: vec![object], ..scene.clone() }
    });
    all.filter(|scene| scene.check().is_ok())
}

#[test]
fn scenes_of_several_objects_are_drawn() {
    for seed in 0..1000 {
        assert_eq!(Scene::random(seed).draw(seed, 16).rgb.len(), 16 * 16 * 3);
    }
}

#[test]
fn each_attribute_shows() {
    let first = scene(Place::Meadow, Time::Day, Sky::Clear, Kind::House);
    let with = |change: fn(&mut Object)| {
        let mut scene = first.clone();
        change(&mut scene.objects[0]);
        scene
    };
    let others = [
        ("place", scene(Place::Snow, Time::Day, Sky::Clear, Kind::House), 20.0),
        ("time", scene(Place::Meadow, Time::Dawn, Sky::Clear, Kind::House), 20.0),
        ("sky", scene(Place::Meadow, Time::Day, Sky::Clouds, Kind::House), 2.0),
        ("kind", scene(Place::Meadow, Time::Day, Sky::Clear, Kind::Tree), 1.0),
        ("colour", with(|object| object.colour = Some(Colour::Blue)), 1.0),
        ("size", with(|object| object.size = Size::Big), 2.0),
        ("side", with(|object| object.side = Side::Left), 2.0),
        ("count", with(|object| object.count = Count::Two), 1.0),
    ];
    for seed in 0..20 {
        let image = first.draw(seed, 64);
        for (attribute, other, least) in &others {
            let difference = difference(&image, &other.draw(seed, 64));
            assert!(difference > *least, "{attribute}: {difference:.2} of 255 at seed {seed}");
        }
    }
}

#[test]
fn every_two_colours_of_a_kind_differ_at_every_time() {
    for &kind in Kind::ALL {
        let place = *Place::ALL.iter().find(|place| kind.fits(**place)).expect("it fits somewhere");
        for &time in Time::ALL {
            let images: Vec<Image> = kind
                .colours()
                .iter()
                .map(|colour| {
                    let mut scene = scene(place, time, Sky::Clear, kind);
                    scene.objects[0].colour = Some(*colour);
                    scene.draw(1, 64)
                })
                .collect();
            for (index, image) in images.iter().enumerate() {
                let nearest = images[..index].iter().map(|other| peak(image, other)).min().unwrap_or(u8::MAX);
                assert!(nearest > 40, "{kind} {} at {time}: {nearest} of 255", kind.colours()[index]);
            }
        }
    }
}

/// The largest difference of any part of a pixel, of 255.
fn peak(a: &Image, b: &Image) -> u8 {
    a.rgb.iter().zip(&b.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

#[test]
fn the_seed_varies_the_image_and_larger_images_are_the_same_ones() {
    let scene = scene(Place::Mountains, Time::Sunset, Sky::Clouds, Kind::Boat);
    let [small, large] = [64, 128].map(|pixels| scene.draw(1, pixels));
    assert!(difference(&small, &scene.draw(2, 64)) > 2.0);
    let halved = Image {
        pixels: 64,
        rgb: (0..64 * 64 * 3)
            .map(|at| {
                let (row, column, part) = (at / 192, at / 3 % 64, at % 3);
                let dot = |y: usize, x: usize| u32::from(large.rgb[((2 * row + y) * 128 + 2 * column + x) * 3 + part]);
                ((dot(0, 0) + dot(0, 1) + dot(1, 0) + dot(1, 1) + 2) / 4) as u8
            })
            .collect(),
    };
    assert!(difference(&small, &halved) < 1.0, "{}", difference(&small, &halved));
}

#[test]
fn a_scene_that_does_not_fit_together_is_refused_by_name() {
    let good = scene(Place::Sea, Time::Day, Sky::Clear, Kind::Boat);
    let check = |change: fn(&mut Scene)| {
        let mut scene = good.clone();
        change(&mut scene);
        scene.check().unwrap_err()
    };
    assert_eq!(check(|scene| scene.objects.clear()), SceneError::Number(0));
    assert_eq!(check(|scene| scene.sky = Sky::Stars).to_string(), "no stars in the sea scene at the time day");
    assert_eq!(check(|scene| scene.place = Place::Desert).to_string(), "no boat in the desert scene");
    assert_eq!(check(|scene| scene.objects[0].colour = None).to_string(), "no boat of the colour none");
    assert_eq!(check(|scene| scene.objects.push(scene.objects[0])), SceneError::Side(Side::Middle));
    let crowd = check(|scene| {
        scene.objects[0].size = Size::Big;
        scene.objects[0].side = Side::Left;
        scene.objects[0].count = Count::Three;
    });
    assert_eq!(crowd, SceneError::Room(Kind::Boat));
}

#[test]
#[should_panic(expected = "the scene cannot be drawn: no boat in the city scene")]
fn drawing_what_does_not_fit_panics() {
    scene(Place::City, Time::Day, Sky::Clear, Kind::Boat).draw(0, 64);
}
