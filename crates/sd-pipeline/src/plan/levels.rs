use sd_model::config::SchedulerConfig;
use sd_samplers::{Convention, LevelOptions, Levels, SamplerInfo};
use sd_schedule::{Grid, NoiseLevels, Prediction};

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
        None if grid.is_some() || configured.is_some() => Origin::Config,
        None => Origin::Class(convention),
    };
    let process = config.process();
    let levels = match requested.or(grid.as_ref()) {
        Some(Schedule::Grid(grid)) => grid.levels(&config.schedule, steps)?,
        Some(Schedule::Ays) if is_xl => Grid::AysSdxl.levels(&config.schedule, steps)?,
        Some(Schedule::Ays) => Grid::AysSd1.levels(&config.schedule, steps)?,
        Some(Schedule::Sigmas(sigmas) | Schedule::Multistep { sigmas, .. }) => listed(sigmas)?,
        Some(Schedule::Timesteps(timesteps)) => {
            let last = convention.last_level(&process, &options);
            NoiseLevels::of_timesteps(&config.schedule, timesteps, last).map_err(in_list)?
        }
        Some(Schedule::Leading | Schedule::Linspace | Schedule::Trailing) | None => {
            convention.levels(&process, &options, steps)?
        }
    };
    let starts_in_noise = config.schedule.has_zero_terminal_snr() && levels.first() > LARGEST;
    if config.prediction == Prediction::Eps && starts_in_noise {
        return Err(Error::request(
            Field::Model,
            "has a noise schedule that ends in pure noise (`rescale_betas_zero_snr`), where a network that predicts noise \
             (`prediction_type` \"epsilon\") cannot estimate the image: use `schedule` leading",
        ));
    }
    Ok((convention.visit(levels, &options), origin))
}

/// Above the noisiest level of any schedule that keeps part of the image, and below the level of pure noise.
const LARGEST: f64 = 1000.0;

/// Whether the sampler's class reads `use_karras_sigmas` and similar options.
fn reads_grid(info: &SamplerInfo) -> bool {
    is_solver(info) && info.name != "euler-a"
}

fn is_solver(info: &SamplerInfo) -> bool {
    info.convention == Convention::KDiffusion || info.convention.is_multistep()
}
