use std::thread;

use sd_scenes::{Sample, Split};

use super::dataset::Dataset;
use crate::event::busy;
use crate::{Recipe, RecipeError, Watch};

/// Scenes that each thread draws before `watch` is asked whether to stop.
const AT_ONCE: usize = 8;

/// Draws the first `count` scenes of the recipe's seed.
pub(super) fn draw(recipe: &Recipe, split: Split, count: usize, watch: &mut Watch) -> Result<Dataset, RecipeError> {
    let (seed, size) = (recipe.seed, recipe.data.size);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let draw = |first: usize| -> Vec<Sample> {
        (first..count.min(first + AT_ONCE)).map(|index| split.sample(index as u64, seed, size)).collect()
    };
    let mut images = Dataset::with_room(recipe, count)?;
    for first in (0..count).step_by(threads * AT_ONCE) {
        busy(watch, "drawing the scenes", first, count)?;
        let samples: Vec<Sample> = thread::scope(|scope| {
            let firsts = (first..count).step_by(AT_ONCE).take(threads);
            let started: Vec<_> = firsts.map(|first| scope.spawn(move || draw(first))).collect();
            started.into_iter().flat_map(|thread| thread.join().expect("scenes can be drawn")).collect()
        });
        for sample in samples {
            images.rgb.extend(recipe.data.style.apply(sample.image).rgb);
            images.captions.push(sample.caption);
        }
    }
    Ok(images)
}
