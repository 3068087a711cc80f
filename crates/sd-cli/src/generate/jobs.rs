//! The jobs of a command, and what is said of them before they are drawn.

use std::collections::HashSet;

use clap::ValueEnum;
use sd_engine::{Engine, EngineOptions, Job};
use sd_pipeline::{Arithmetic, Memory, Model, Plan, Products, Reuse};

use super::steering;
use crate::failure::Failure;
use crate::print::print;
use crate::progress::Progress;
use crate::prompt_flags::Texts;
use crate::session::Told;

/// What low memory costs; docs/performance.md has the measurements.
const LOW_MEMORY: &str = "weights stay in their files: a step takes about 1.1 times as long if the system has them in its cache, else as long as reading them";

/// How plans are printed.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum PlanForm {
    /// One line per setting
    Text,
    /// One line of JSON per image, which sd-pipeline can draw again
    Json,
}

/// The jobs of all images: one for each run of images with the same texts, so that these share what is made before they are drawn.
/// Texts that no flag gives are those of `job`.
pub fn jobs<'a>(job: &'a Job, texts: &'a [Texts]) -> impl Iterator<Item = Job> + 'a {
    let mut first = 0;
    texts.chunk_by(|one, next| one == next).map(move |same| {
        let Texts { prompt, negative_prompt } = &same[0];
        let mut run = Job { count: same.len() as u64, ..job.single(first) };
        let request = &mut run.request;
        request.prompt = prompt.clone().or(request.prompt.take());
        request.negative_prompt = negative_prompt.clone().or(request.negative_prompt.take());
        first += run.count;
        run
    })
}

/// Checks jobs, as far as they differ in more than the seed, and tells what may surprise.
pub fn check(
    engine: &mut Engine,
    jobs: impl Iterator<Item = Job>,
    checks_memory: bool,
    progress: &Progress,
) -> Result<(), Failure> {
    let mut told = Told::default();
    let mut texts = HashSet::new();
    for job in jobs {
        if texts.insert((job.request.prompt.clone(), job.request.negative_prompt.clone())) {
            let planned = engine.plan(&job)?;
            told.tell(planned.notices(), progress);
            if checks_memory {
                told.warn(&engine.memory_warnings(&planned)?, progress);
            }
        }
    }
    Ok(())
}

/// Prints the memory that each pass of a job needs.
pub fn tell_needs(engine: &mut Engine, job: &Job, progress: &Progress) -> Result<(), Failure> {
    let planned = engine.plan(job)?;
    let (EngineOptions { device, dtype, memory, products, .. }, models) = (engine.options(), engine.models(&planned));
    for (plan, model) in planned.passes(models[0], models.get(1).copied()) {
        progress.need(&model.memory(&plan.workload(), *dtype, device), device);
        steering::tell_needs(model, *dtype, progress);
        if *products == Products::Int8 {
            let with = sd_pipeline::int8_instructions().map_or(String::new(), |name| format!(", with {name}"));
            progress
                .note(&format!("{:.0} % of the weights are multiplied as integers{with}", 100.0 * model.int8_share()));
        }
        if let Some(arithmetic) = reused(plan, model)? {
            progress.note(&format!("the network: {arithmetic}"));
        }
    }
    if *memory == Memory::Low && memory.has_effect_on(device) {
        progress.note(LOW_MEMORY);
    }
    Told::default().warn(&engine.memory_warnings(&planned)?, progress);
    Ok(())
}

/// Prints the plans of all passes of each image.
pub fn print_plans(engine: &mut Engine, jobs: impl Iterator<Item = Job>, form: PlanForm) -> Result<(), Failure> {
    let mut is_first = true;
    for job in jobs {
        let planned = engine.plan(&job)?;
        let models = engine.models(&planned);
        let passes = planned.passes(models[0], models.get(1).copied());
        for (image, (plan, model)) in (0..job.count).flat_map(|image| passes.iter().map(move |pass| (image, pass))) {
            let mut plan = (*plan).clone();
            plan.seed = plan.seed.wrapping_add(image);
            if form == PlanForm::Json {
                print(&format_args!("{}\n", json(&plan)?));
                continue;
            }
            let space = if is_first { "" } else { "\n" };
            print(&format_args!("{space}{plan}"));
            if let Some(arithmetic) = reused(&plan, model)? {
                print(&format_args!("arithmetic       {arithmetic}\n"));
            }
            is_first = false;
        }
    }
    Ok(())
}

/// The network's arithmetic, if some of it is left out.
fn reused(plan: &Plan, model: &Model) -> Result<Option<Arithmetic>, Failure> {
    let is_plain = plan.settings.reuse() == Reuse::default();
    Ok(if is_plain { None } else { plan.arithmetic(model)? })
}

fn json(plan: &Plan) -> Result<String, Failure> {
    serde_json::to_string(plan).map_err(|error| Failure::new(format!("--plan: {error}")))
}
