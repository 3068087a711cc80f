use sd_samplers::{Convention, LevelOptions, Levels, SamplerInfo};
use sd_schedule::{Grid, NoiseLevels, Prediction};

use super::origin::Origin;
use crate::schedule::{in_list, listed};
use crate::{Error, Field, Schedule};
use sd_model::config::SchedulerConfig;

/// The noise levels of a request, and where they came from.
///
/// What neither the request nor the model's config says is the default of the sampler's [`Convention`].
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
            "{} cannot follow {option} of scheduler_config.json: choose ddim, plms or ddpm, or take it out",
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
        Some(Schedule::Sigmas(sigmas)) => listed(sigmas)?,
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
             (`prediction_type` \"epsilon\") has nothing to go by: use `schedule` leading",
        ));
    }
    Ok((convention.visit(levels, &options), origin))
}

/// Above the noisiest level of any schedule that still holds something of the image, and below that of pure noise.
const LARGEST: f64 = 1000.0;

/// Whether the sampler's class knows `use_karras_sigmas` and the like.
fn reads_grid(info: &SamplerInfo) -> bool {
    is_solver(info) && info.name != "euler-a"
}

fn is_solver(info: &SamplerInfo) -> bool {
    info.convention == Convention::KDiffusion || info.convention.is_multistep()
}
