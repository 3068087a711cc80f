use std::collections::BTreeMap;
use std::fmt::Display;

use sd_scenes::{Colour, Count, Kind, Place, Scene, Side, Size, Sky, Time};

fn scenes() -> impl Iterator<Item = Scene> {
    (0..10_000).map(Scene::random)
}

/// Asserts that no value is rarer or more frequent than these multiples of the mean.
fn check<T: Display + Ord>(all: &[T], drawn: impl Iterator<Item = T>, rarest: f64, most: f64) {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    drawn.for_each(|value| *counts.entry(value).or_default() += 1);
    let mean = counts.values().sum::<usize>() as f64 / all.len() as f64;
    for value in all {
        let share = *counts.get(value).unwrap_or(&0) as f64 / mean;
        assert!((rarest..=most).contains(&share), "{value} is {share:.2} times as frequent as the mean");
    }
}

#[test]
fn every_random_scene_can_be_drawn() {
    for scene in scenes() {
        assert_eq!(scene.check(), Ok(()), "{scene:?}");
    }
}

#[test]
fn places_and_times_are_equally_frequent() {
    check(Place::ALL, scenes().map(|scene| scene.place), 0.93, 1.07);
    check(Time::ALL, scenes().map(|scene| scene.time), 0.93, 1.07);
}

#[test]
fn skies_are_equally_frequent_where_they_fit() {
    let scenes_at = |place: Place, time: Time| scenes().filter(move |scene| (scene.place, scene.time) == (place, time));
    let [sea, snow] = [Place::Sea, Place::Snow].map(|place| scenes_at(place, Time::Night).map(|scene| scene.sky));
    check(&[Sky::Clear, Sky::Clouds, Sky::Rain, Sky::Stars], sea, 0.75, 1.25);
    check(&[Sky::Clear, Sky::Clouds, Sky::Snowfall, Sky::Stars], snow, 0.75, 1.25);
    let day = scenes_at(Place::Desert, Time::Day).map(|scene| scene.sky);
    check(&[Sky::Clear, Sky::Clouds, Sky::Rain, Sky::Rainbow], day, 0.75, 1.25);
}

#[test]
fn the_attributes_of_objects_are_about_equally_frequent() {
    let objects = || scenes().flat_map(|scene| scene.objects);
    // Houses are in five of the six places, because people ask for them first; by the sea, beside lighthouses.
    check(Kind::ALL, objects().map(|object| object.kind), 0.65, 1.6);
    check(Colour::ALL, objects().filter_map(|object| object.colour), 0.7, 1.3);
    check(Size::ALL, objects().map(|object| object.size), 0.9, 1.1);
    check(Side::ALL, objects().map(|object| object.side), 0.9, 1.1);
    // Most nouns are singular, and objects beside others are mostly single.
    check(Count::ALL, objects().map(|object| object.count), 0.45, 1.65);
}
