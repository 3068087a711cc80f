use serde::{Deserialize, Serialize};

use crate::{LeastSquares, Steps};

/// What is tuned, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether the weights of a multistep method are tuned after the levels.
    pub weights: bool,
    /// The most drawings of all images, of which an iteration that has begun may take a few more.
    pub budget: usize,
}

/// A search for the best steps, one iteration at a time; deterministic.
///
/// In serde it is its state, from which it continues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    settings: Settings,
    /// Values of the converged images.
    converged: Vec<f32>,
    /// The searches for levels that are still in the running.
    searches: Vec<Search>,
    /// Which of them is next in this round.
    next: usize,
    /// Whole rounds so far.
    rounds: usize,
    /// The search for the weights, from the best levels.
    weights: Option<Search>,
    first_error: Option<f64>,
    drawings: usize,
}

/// A search from some steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    start: Steps,
    fit: LeastSquares,
}

/// The best steps that a search has found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The steps.
    pub steps: Steps,
    /// The root mean square of their distance from the converged images.
    pub error: f64,
}

/// Rounds after which the worse half of the searches is dropped: an iteration each, but for the first, which evaluates the beginnings.
const ROUNDS: usize = 2;

impl Tuning {
    /// Begins a search for steps that draw the `converged` images, starting from some of equally many, perhaps of different samplers;
    /// the first are those to compare with.
    ///
    /// # Panics
    ///
    /// Panics without steps, or if their numbers differ.
    pub fn new(settings: Settings, converged: Vec<f32>, starts: Vec<Steps>) -> Self {
        assert!(!starts.is_empty(), "a search without steps to start from");
        let count = starts[0].levels.steps();
        assert!(starts.iter().all(|steps| steps.levels.steps() == count), "different numbers of steps");
        let searches = starts.into_iter().map(Search::new).collect();
        Self { settings, converged, searches, next: 0, rounds: 0, weights: None, first_error: None, drawings: 0 }
    }

    /// Makes the next iteration; returns false, and does nothing, if the search has ended. `draw` returns the values of all images
    /// with some steps, from the same noise as the converged ones.
    ///
    /// # Errors
    ///
    /// Those of `draw`; the search then stays as it was.
    pub fn advance<E>(&mut self, draw: &mut dyn FnMut(&Steps) -> Result<Vec<f32>, E>) -> Result<bool, E> {
        if self.drawings >= self.settings.budget {
            return Ok(false);
        }
        let Some(search) = self.next_search() else { return Ok(false) };
        let (mut search, mut drawings) = (search.clone(), 0);
        search.fit.advance(&mut |unknowns| {
            let Some(steps) = search.start.with(unknowns) else { return Ok(None) };
            drawings += 1;
            let off = |(found, exact): (f32, &f32)| found - exact;
            Ok(Some(draw(&steps)?.into_iter().zip(&self.converged).map(off).collect()))
        })?;
        self.first_error = self.first_error.or(search.fit.error());
        self.drawings += drawings;
        match &mut self.weights {
            Some(weights) => *weights = search,
            None => {
                self.searches[self.next] = search;
                self.next += 1;
            }
        }
        Ok(true)
    }

    /// The search whose turn it is; none if all have ended.
    fn next_search(&mut self) -> Option<&Search> {
        let levels_have_time = !self.settings.weights || self.drawings * 2 <= self.settings.budget;
        if self.weights.is_none() && levels_have_time && self.find_open() {
            return self.searches.get(self.next);
        }
        if self.settings.weights && self.weights.is_none() {
            self.weights = self.best().map(|best| Search::new(best.steps.with_classical_weights()));
        }
        self.weights.as_ref().filter(|search| !search.fit.is_finished())
    }

    /// Moves on to the next search for levels that has not ended, if there is one. After some rounds the worse half is dropped.
    fn find_open(&mut self) -> bool {
        while self.searches.iter().any(|search| !search.fit.is_finished()) {
            if let Some(ahead) = self.searches[self.next..].iter().position(|search| !search.fit.is_finished()) {
                self.next += ahead;
                return true;
            }
            (self.next, self.rounds) = (0, self.rounds + 1);
            if self.rounds.is_multiple_of(ROUNDS) {
                let error = |search: &Search| search.fit.error().unwrap_or(f64::INFINITY);
                self.searches.sort_by(|a, b| error(a).total_cmp(&error(b)));
                self.searches.truncate(self.searches.len().div_ceil(2));
            }
        }
        false
    }

    /// The best steps so far; none before the first iteration.
    pub fn best(&self) -> Option<Found> {
        let found = self.searches.iter().chain(&self.weights).filter_map(Search::found);
        found.min_by(|a, b| a.error.total_cmp(&b.error))
    }

    /// The error of the first steps, before any search; none before the first iteration.
    pub fn first_error(&self) -> Option<f64> {
        self.first_error
    }

    /// Drawings of all images so far.
    pub fn drawings(&self) -> usize {
        self.drawings
    }

    /// What is tuned, and how long.
    pub fn settings(&self) -> Settings {
        self.settings
    }
}

impl Search {
    fn new(start: Steps) -> Self {
        Self { fit: LeastSquares::new(start.unknowns()), start }
    }

    /// Its best steps so far; none before the first iteration.
    fn found(&self) -> Option<Found> {
        Some(Found { steps: self.start.with(self.fit.unknowns())?, error: self.fit.error()? })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use sd_schedule::NoiseLevels;

    use super::*;

    /// Four samplers, each as far from the images as its level is from 1, and a bit farther for each letter: only the best
    /// is searched to the end.
    #[test]
    fn the_worse_half_of_the_searches_is_dropped_again_and_again() {
        let start = |name: &str| Steps::new(name, NoiseLevels::new(vec![10.0, 5.0, 0.0]).unwrap());
        let starts = ["d", "c", "b", "a"].map(start).to_vec();
        let mut tuning = Tuning::new(Settings { weights: false, budget: 200 }, vec![0.0; 2], starts);
        let mut drawn = HashMap::new();
        let mut draw = |steps: &Steps| -> Result<Vec<f32>, Infallible> {
            *drawn.entry(steps.sampler.clone()).or_insert(0) += 1;
            let own = f32::from(steps.sampler.as_bytes()[0] - b'a');
            Ok(vec![own, steps.levels.sigmas()[1] as f32 - 1.0])
        };
        while matches!(tuning.advance(&mut draw), Ok(true)) {}
        let found = tuning.best().unwrap();
        assert_eq!(found.steps.sampler, "a");
        assert!((found.steps.levels.sigmas()[1] - 1.0).abs() < 1e-3 && found.error < 1e-3, "{found:?}");
        assert_eq!(drawn["d"], drawn["c"]);
        assert!(drawn["a"] > drawn["b"] && drawn["b"] > drawn["c"], "{drawn:?}");
        assert_eq!(tuning.drawings(), drawn.values().sum::<usize>());
        assert_eq!(tuning.first_error(), Some((25.0_f64 / 2.0).sqrt()));
    }
}
