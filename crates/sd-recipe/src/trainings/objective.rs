use sd_model::config::{Json, SchedulerConfig};
use sd_pipeline::Process;
use sd_schedule::{NoiseSchedule, Prediction};
use sd_train::{EdmObjective, Objective, Timesteps, Weighting};

use crate::{Recipe, RecipeError};

/// What the network of a recipe learns, and at which levels.
pub(super) enum Goal {
    Timesteps(Objective, Timesteps),
    Edm(EdmObjective),
}

/// Reads the scheduler's config of the recipe or of its start folder, and checks that the recipe's settings mean something with it.
pub(super) fn scheduler(recipe: &Recipe) -> Result<SchedulerConfig, RecipeError> {
    let scheduler = match &recipe.start {
        Some(folder) => Json::read(&folder.join("scheduler/scheduler_config.json"))?
            .loosely(&mut Vec::new(), SchedulerConfig::from_json)?,
        None => recipe.table("scheduler", &Some(recipe.scheduler_table())).strictly(SchedulerConfig::from_json)?,
    };
    recipe.check_noise(&scheduler.process)?;
    Ok(scheduler)
}

/// What the network that a recipe trains learns.
pub(super) fn goal(recipe: &Recipe, scheduler: &SchedulerConfig) -> Goal {
    match (&scheduler.process, scheduler.schedule()) {
        (Process::Edm(edm), _) => {
            let (paper, settings) = (EdmObjective::new(*edm), &recipe.diffusion);
            Goal::Edm(EdmObjective {
                log_mean: settings.log_sigma_mean.unwrap_or(paper.log_mean),
                log_std: settings.log_sigma_std.unwrap_or(paper.log_std),
                ..paper
            })
        }
        (_, schedule) => {
            let schedule = schedule.expect("a config has timesteps or is of EDM");
            let count = schedule.len();
            let by_loss = recipe.diffusion.importance_sampling;
            let timesteps = if by_loss { Timesteps::by_loss(count) } else { Timesteps::Uniform { count } };
            Goal::Timesteps(objective(recipe, schedule, scheduler.prediction()), timesteps)
        }
    }
}

/// The objective of a network with timesteps.
pub(super) fn objective(recipe: &Recipe, schedule: &NoiseSchedule, prediction: Prediction) -> Objective {
    let weighting = recipe.diffusion.min_snr_gamma.map_or(Weighting::Simple, |gamma| Weighting::MinSnr { gamma });
    Objective { schedule: schedule.clone(), prediction, weighting }
}
