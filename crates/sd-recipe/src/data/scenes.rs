use std::thread;

use sd_scenes::{Sample, Split};

use super::Pictures;

/// The first `count` scenes of a seed.
pub(super) fn draw(split: Split, count: usize, seed: u64, size: usize) -> Pictures {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let each = count.div_ceil(threads).max(1);
    let draw = |first: usize| -> Vec<Sample> {
        (first..count.min(first + each)).map(|index| split.sample(index as u64, seed, size)).collect()
    };
    let samples = thread::scope(|scope| {
        let started: Vec<_> = (0..count).step_by(each).map(|first| scope.spawn(move || draw(first))).collect();
        started.into_iter().flat_map(|thread| thread.join().expect("scenes can be drawn")).collect::<Vec<Sample>>()
    });
    let mut pictures = Pictures { size, ..Pictures::default() };
    for sample in samples {
        pictures.rgb.extend(sample.picture.rgb);
        pictures.captions.push(sample.caption);
    }
    pictures
}
