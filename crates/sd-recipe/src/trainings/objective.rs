use sd_model::config::{Json, SchedulerConfig};
use sd_train::{Objective, Timesteps, Weighting};

use crate::{Recipe, RecipeError};

/// Reads the scheduler's config of the recipe or of its start folder.
pub(super) fn scheduler(recipe: &Recipe) -> Result<SchedulerConfig, RecipeError> {
    Ok(match &recipe.start {
        Some(folder) => Json::read(&folder.join("scheduler/scheduler_config.json"))?
            .loosely(&mut Vec::new(), SchedulerConfig::from_json)?,
        None => recipe.table("scheduler", &Some(recipe.scheduler_table())).strictly(SchedulerConfig::from_json)?,
    })
}

/// The objective of the network that a recipe trains.
pub(super) fn objective(recipe: &Recipe, scheduler: &SchedulerConfig) -> Objective {
    let weighting = recipe.diffusion.min_snr_gamma.map_or(Weighting::Simple, |gamma| Weighting::MinSnr { gamma });
    Objective { schedule: scheduler.schedule.clone(), prediction: scheduler.prediction, weighting }
}

/// How the timesteps are chosen.
pub(super) fn timesteps(recipe: &Recipe, scheduler: &SchedulerConfig) -> Timesteps {
    let count = scheduler.schedule.len();
    if recipe.diffusion.importance_sampling { Timesteps::by_loss(count) } else { Timesteps::Uniform { count } }
}
