use sd_model::config::SchedulerConfig;
use sd_samplers::{Convention, LevelOptions, Levels, SamplerInfo};
use sd_schedule::{Grid, NoiseLevels, NoiseSchedule, Prediction};

use super::origin::Origin;
use crate::schedule::{in_list, listed};
use crate::{Error, Field, Schedule};

/// Resolves the noise levels of a request, and where they come from.
///
/// The sampler's [`Convention`] provides the default for whatever neither the request nor the model's config specifies.
pub(super) fn resolve(
    info: &SamplerInfo,
    config: &SchedulerConfig,
    requested: Option<&Schedule>,
    is_xl: bool,
    steps: usize,
) -> Result<(Levels, Origin), Error> {
    if let Some(listed) = requested.and_then(Schedule::steps).filter(|listed| *listed != steps) {
        return Err(Error::request(Field::Steps, format!("{steps}, but `schedule` lists {listed}: leave `steps` out")));
    }
    if let Some(option) = config.not_followed.as_ref().filter(|_| is_solver(info)) {
        let reason = format!(
            "{} does not support {option} of scheduler_config.json: choose ddim, plms or ddpm, or remove it",
            info.name
        );
        return Err(Error::request(Field::Sampler, reason));
    }
    let convention = info.convention;
    let spacing = requested.and_then(|schedule| schedule.spacing(config.levels.steps_offset));
    let configured = config.levels.spacing.filter(|_| convention.reads_spacing());
    let options = LevelOptions { spacing: spacing.or(configured), ..config.levels.clone() };
    let grid = config.grid.filter(|_| reads_grid(info)).map(Schedule::Grid);
    let origin = match requested {
        Some(_) => Origin::Request,
        None if grid.is_some() || configured.is_some() || config.schedule().is_none() => Origin::Config,
        None => Origin::Class(convention),
    };
    let process = &config.process;
    let levels = match (requested.or(grid.as_ref()), config.schedule()) {
        (Some(named), None) if needs_timesteps(named) => {
            let reason = format!(
                " {named} is for models with timesteps, and this one (EDM) has none: choose karras, exponential, kl_optimal or \
                 `sigmas`, or leave it out"
            );
            return Err(Error::request(Field::Schedule, reason));
        }
        (Some(Schedule::Grid(grid)), _) => grid.levels_of(process, steps)?,
        (Some(Schedule::Ays), _) if is_xl => Grid::AysSdxl.levels_of(process, steps)?,
        (Some(Schedule::Ays), _) => Grid::AysSd1.levels_of(process, steps)?,
        (Some(Schedule::Sigmas(sigmas) | Schedule::Multistep { sigmas, .. }), _) => listed(sigmas)?,
        (Some(Schedule::Timesteps(timesteps)), Some(schedule)) => {
            let last = convention.last_level(process, &options);
            NoiseLevels::of_timesteps(schedule, timesteps, last).map_err(in_list)?
        }
        _ => convention.levels(process, &options, steps)?,
    };
    let has_pure_noise = config.schedule().is_some_and(NoiseSchedule::has_zero_terminal_snr);
    let starts_in_noise = has_pure_noise && levels.first() > LARGEST;
    if config.prediction() == Prediction::Eps && starts_in_noise {
        return Err(Error::request(
            Field::Model,
            "has a noise schedule that ends in pure noise (`rescale_betas_zero_snr`), where a network that predicts noise \
             (`prediction_type` \"epsilon\") cannot estimate the image: use `schedule` leading",
        ));
    }
    Ok((convention.visit(process, levels, &options), origin))
}

/// Above the noisiest level of any schedule that keeps part of the image, and below the level of pure noise.
const LARGEST: f64 = 1000.0;

/// Whether a schedule means nothing without the timesteps of a training.
fn needs_timesteps(schedule: &Schedule) -> bool {
    matches!(
        schedule,
        Schedule::Leading
            | Schedule::Linspace
            | Schedule::Trailing
            | Schedule::Ays
            | Schedule::Timesteps(_)
            | Schedule::Grid(
                Grid::Normal | Grid::SgmUniform | Grid::Simple | Grid::Beta | Grid::AysSd1 | Grid::AysSdxl
            )
    )
}

/// Whether the sampler's class reads `use_karras_sigmas` and similar options.
fn reads_grid(info: &SamplerInfo) -> bool {
    is_solver(info) && info.name != "euler-a"
}

fn is_solver(info: &SamplerInfo) -> bool {
    info.convention == Convention::KDiffusion || info.convention.is_multistep()
}
