use sd_schedule::NoiseLevels;
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
    /// The levels to begin with, each with its search; the first are the usual ones.
    searches: Vec<(NoiseLevels, LeastSquares)>,
    /// The search for the weights, from the best levels.
    weights: Option<(NoiseLevels, LeastSquares)>,
    first_error: Option<f64>,
    drawings: usize,
}

/// The best steps that a search has found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The steps.
    pub steps: Steps,
    /// The root mean square of their distance from the converged images.
    pub error: f64,
}

impl Tuning {
    /// Begins a search for steps that draw the `converged` images, starting from some levels of equally many steps; the first are
    /// those to compare with.
    ///
    /// # Panics
    ///
    /// Panics without levels, or if the numbers of steps differ.
    pub fn new(settings: Settings, converged: Vec<f32>, starts: Vec<NoiseLevels>) -> Self {
        assert!(!starts.is_empty(), "a search without levels to start from");
        assert!(
            starts.iter().all(|levels| levels.steps() == starts[0].steps()),
            "levels of different numbers of steps"
        );
        let search = |levels: NoiseLevels| {
            let unknowns = Steps { levels: levels.clone(), weights: None }.unknowns();
            (levels, LeastSquares::new(unknowns))
        };
        let searches = starts.into_iter().map(search).collect();
        Self { settings, converged, searches, weights: None, first_error: None, drawings: 0 }
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
        let Self { settings, converged, searches, weights, first_error, drawings } = self;
        let open = |(_, search): &&mut (NoiseLevels, LeastSquares)| !search.is_finished();
        // All beginnings first; then the one that leads, and the others once it has ended.
        let by_error = |search: &LeastSquares| search.error().unwrap_or(-1.0);
        let next = searches.iter_mut().filter(open).min_by(|a, b| by_error(&a.1).total_cmp(&by_error(&b.1)));
        let is_of_levels = settings.weights && *drawings * 2 > settings.budget;
        let (template, search) = match next {
            Some((levels, search)) if !is_of_levels => (Steps { levels: levels.clone(), weights: None }, search),
            _ if !settings.weights => return Ok(false),
            _ => {
                if weights.is_none() {
                    let best = best_levels(searches).expect("levels were drawn");
                    let steps = best.steps.with_classical_weights();
                    *weights = Some((steps.levels.clone(), LeastSquares::new(steps.unknowns())));
                }
                let (levels, search) = weights.as_mut().expect("it was made");
                if search.is_finished() {
                    return Ok(false);
                }
                (Steps { levels: levels.clone(), weights: None }.with_classical_weights(), search)
            }
        };
        let (mut drawn, mut next) = (0, search.clone());
        next.advance(&mut |unknowns| {
            let Some(steps) = template.with(unknowns) else { return Ok(None) };
            drawn += 1;
            let off = |(found, exact): (f32, &f32)| found - exact;
            Ok(Some(draw(&steps)?.into_iter().zip(converged.iter()).map(off).collect()))
        })?;
        *search = next;
        if first_error.is_none() {
            *first_error = search.error();
        }
        *drawings += drawn;
        Ok(true)
    }

    /// The best steps so far; none before the first iteration.
    pub fn best(&self) -> Option<Found> {
        let of_weights = self.weights.as_ref().and_then(|(levels, search)| {
            let template = Steps { levels: levels.clone(), weights: None }.with_classical_weights();
            Some(Found { steps: template.with(search.unknowns())?, error: search.error()? })
        });
        let found = best_levels(&self.searches).into_iter().chain(of_weights);
        found.min_by(|a, b| a.error.total_cmp(&b.error))
    }

    /// The error of the first levels, before any search; none before the first iteration.
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

/// The best of the searches for levels.
fn best_levels(searches: &[(NoiseLevels, LeastSquares)]) -> Option<Found> {
    let found = searches.iter().filter_map(|(levels, search)| {
        let steps = Steps { levels: levels.clone(), weights: None }.with(search.unknowns())?;
        Some(Found { steps, error: search.error()? })
    });
    found.min_by(|a, b| a.error.total_cmp(&b.error))
}
