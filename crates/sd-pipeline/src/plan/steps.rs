use std::ops::Range;

use sd_schedule::{NoiseLevels, Process};

use super::origin::{Origin, Resolved};
use crate::edit::Init;
use crate::{Error, ExtraInput, Field, Request};

/// Share of the steps that an initial image goes through if nothing else determines it.
const DEFAULT_STRENGTH: f64 = 0.75;

/// Resolves the strength; none where no initial image is noised.
pub(super) fn strength(request: &Request, extra: Option<ExtraInput>) -> Result<Option<Resolved<f64>>, Error> {
    let refuse = |reason: String| Err(Error::request(Field::Strength, reason));
    let (given, applies) = match (request.strength, &request.init) {
        (Some(given), _) if !(given > 0.0 && given <= 1.0) => {
            return refuse(format!("{given}: a number above 0, up to 1, is needed"));
        }
        (given, Some(_)) if extra == Some(ExtraInput::Image) => {
            (given, Err("this model draws from noise alone, and reads the image beside it"))
        }
        (given, Some(Init::Image(_) | Init::Latents(_))) => (given, Ok(())),
        (given, Some(Init::Unfinished(_))) => (given, Err("a drawing is only continued")),
        (given, None) => (given, Err("there is no `init_image`")),
    };
    match (given, applies) {
        (None, Err(_)) => Ok(None),
        (Some(given), Err(reason)) => refuse(format!("{given}: {reason}: leave it out")),
        (given, Ok(())) => {
            let nothing_to_keep = request.outpaint.is_some() || extra == Some(ExtraInput::Mask);
            let default = if nothing_to_keep { 1.0 } else { DEFAULT_STRENGTH };
            Ok(Some(Resolved::requested(given).unwrap_or(Resolved::new(default, Origin::Default))))
        }
    }
}

/// Resolves which of the steps through `levels` belong to the drawing, and which of those are made; `steps` is the number that was requested.
pub(super) fn made(
    request: &Request,
    strength: Option<f64>,
    levels: &NoiseLevels,
    steps: usize,
    process: &Process,
) -> Result<(Range<usize>, Range<usize>), Error> {
    let all = levels.steps();
    // diffusers truncates too: 0.58 of 50 steps are 28.
    let kept = strength.map_or(steps, |strength| ((steps as f64 * strength) as usize).min(steps));
    if kept == 0 {
        let (strength, least) = (strength.unwrap_or_default(), 1.0 / steps as f64);
        let reason = format!("{strength}: no step is left of {steps}: use at least {least:.3}, or more `steps`");
        return Err(Error::request(Field::Strength, reason));
    }
    let begins = part(Field::DenoisingStart, request.denoising_start, levels, process)?;
    let ends = part(Field::DenoisingEnd, request.denoising_end, levels, process)?;
    // There may be one step fewer than requested, but one is always made.
    let whole = (steps - kept).min(all - 1)..all;
    let made = whole.start.max(begins.unwrap_or(0))..ends.unwrap_or(all);
    if made.is_empty() {
        let field = if ends.is_some() { Field::DenoisingEnd } else { Field::DenoisingStart };
        return Err(Error::request(field, format!("leaves no step of {steps}: use more `steps`, or another share")));
    }
    Ok((whole, made))
}

/// The number of steps that begin before a share of the training's timesteps is denoised, as in diffusers' `denoising_end`.
fn part(field: Field, share: Option<f64>, levels: &NoiseLevels, process: &Process) -> Result<Option<usize>, Error> {
    let Some(share) = share else { return Ok(None) };
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::request(field, format!("{share}: a number between 0 and 1 is needed")));
    }
    let trained = process.timesteps() as f64;
    let cutoff = (trained - share * trained).round_ties_even();
    // A level's timestep is known up to rounding.
    Ok(Some(levels.pairs().take_while(|(from, _)| process.t(*from) >= cutoff - 1e-6).count()))
}
