use sd_model::config::SchedulerConfig;
use sd_train::{Objective, Timesteps, Weighting};

use crate::Recipe;

/// What a network that a recipe trains is asked, and how its answers are judged.
pub(super) fn objective(recipe: &Recipe, scheduler: &SchedulerConfig) -> Objective {
    let weighting = recipe.diffusion.min_snr_gamma.map_or(Weighting::Simple, |gamma| Weighting::MinSnr { gamma });
    Objective { schedule: scheduler.schedule.clone(), prediction: scheduler.prediction, weighting }
}

/// How its timesteps are chosen.
pub(super) fn timesteps(recipe: &Recipe, scheduler: &SchedulerConfig) -> Timesteps {
    let count = scheduler.schedule.len();
    if recipe.diffusion.importance_sampling { Timesteps::by_loss(count) } else { Timesteps::Uniform { count } }
}
