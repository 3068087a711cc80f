//! How models that were distilled for few steps are drawn where a request leaves it open.

use sd_model::{FewSteps, SamplerName, Timesteps};
use sd_schedule::Grid;

use crate::Schedule;

/// The number of steps; of an initial image at least one step is made.
pub(super) fn number(few: &FewSteps, strength: Option<f64>) -> usize {
    let least = strength.map_or(1, |strength| (1.0 / strength).ceil() as usize);
    // 49 times a 49th is less than 1 in f64.
    let is_made = strength.is_none_or(|strength| least as f64 * strength >= 1.0);
    few.steps.max(if is_made { least } else { least + 1 })
}

/// The schedule of the distillation; none leaves it to the sampler and the model's config.
///
/// Samplers that space their timesteps evenly from 0 on would begin with too little noise: in place of the distillation's own
/// sampler, others visit trailing timesteps.
pub(super) fn schedule(few: &FewSteps, sampler: SamplerName, steps: usize) -> Option<Schedule> {
    let is_another = few.sampler.is_some_and(|own| own != sampler) && sampler.info().convention.reads_spacing();
    match few.timesteps {
        Timesteps::Trailing => Some(Schedule::Trailing),
        Timesteps::Karras => Some(Schedule::Grid(Grid::Karras { rho: 7.0 })),
        Timesteps::Listed(listed) if listed.len() == steps => Some(Schedule::Timesteps(listed.to_vec())),
        _ => is_another.then_some(Schedule::Trailing),
    }
}
