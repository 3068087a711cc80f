//! Schedules of `sd tune`.

use sd_tune::{Errors, TunedSchedule};

use super::table;

/// The steps, what they are for, and how much they help.
pub fn as_text(tuned: &TunedSchedule) -> String {
    let numbers = |values: &[f64]| values.iter().map(|value| format!("{value:.4}")).collect::<Vec<_>>().join(" ");
    let errors = |errors: &Errors| {
        let Errors { images, before, after } = errors;
        format!("{after:.4} instead of {before:.4}, on {images} images")
    };
    let mut rows = vec![
        ("kind", "tuned schedule".into()),
        ("sampler", tuned.sampler.clone()),
        ("steps", tuned.levels.steps().to_string()),
        ("noise levels", numbers(tuned.levels.sigmas())),
    ];
    let weights = tuned.weights.iter().flatten().enumerate();
    let weights: Vec<(String, String)> =
        weights.map(|(step, of_step)| (format!("weights {}", step + 1), numbers(of_step))).collect();
    rows.extend(weights.iter().map(|(name, weights)| (name.as_str(), weights.clone())));
    rows.extend([
        ("model", tuned.model.clone()),
        ("model hash", tuned.model_hash.clone()),
        ("guidance", tuned.guidance.to_string()),
        ("prompts hash", tuned.prompts_hash.clone()),
        ("error", errors(&tuned.tuned)),
        ("on others", errors(&tuned.held_out)),
    ]);
    table(&rows)
}
