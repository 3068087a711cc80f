//! What follows the first drawing: the "hires fix", and the refiner.

use sd_engine::{HiresPass, HiresSize, RefinerPass};
use sd_pipeline::Request;

use super::size;
use crate::sdapi::SdapiError;
use crate::sdapi::fields::Fields;
use crate::sdapi::names::hires_upscaler;

/// The strength of a second drawing if none is sent.
pub(super) const STRENGTH: f64 = 0.75;

/// Reads the fields of a second, larger drawing.
pub(super) fn hires(
    fields: &Fields<'_>,
    request: &mut Request,
    warnings: &mut Vec<String>,
) -> Result<Option<HiresPass>, SdapiError> {
    if fields.flag("enable_hr")? != Some(true) {
        return Ok(None);
    }
    for (name, same) in [
        ("hr_prompt", request.prompt.as_deref()),
        ("hr_negative_prompt", request.negative_prompt.as_deref()),
        ("hr_sampler_name", Some("Use same sampler")),
        ("hr_scheduler", Some("Use same scheduler")),
        ("hr_checkpoint_name", Some("Use same checkpoint")),
    ] {
        let own = ["sampler_name", "scheduler"].iter().find(|own| format!("hr_{own}") == name);
        let own = own.map(|own| fields.text(own)).transpose()?.flatten();
        if fields.filled_text(name)?.is_some_and(|found| Some(found) != same && Some(found) != own) {
            warnings.push(format!("{name}: the second drawing has that of the first"));
        }
    }
    let upscaler = fields.filled_text("hr_upscaler")?.unwrap_or("Latent");
    let upscaler = hires_upscaler(upscaler).map_err(|reason| fields.wrong("hr_upscaler", reason))?;
    let steps = fields.integer_in("hr_second_pass_steps", 0, 1_000_000)?.filter(|steps| *steps > 0);
    let steps = steps.map(|steps| steps as usize);
    let strength = strength(fields, steps.or(request.steps))?;
    Ok(Some(HiresPass { size: hires_size(fields, request)?, steps, strength, upscaler }))
}

/// The size of the second drawing. The old form names the size of the first one instead.
fn hires_size(fields: &Fields<'_>, request: &mut Request) -> Result<HiresSize, SdapiError> {
    let sides = |width: &str, height: &str| {
        let side = |name| Ok::<_, SdapiError>(fields.integer_in(name, 0, 1 << 20)?.filter(|side| *side > 0));
        Ok::<_, SdapiError>((side(width)?, side(height)?))
    };
    if let ((Some(_), Some(_)), Some(width), Some(height)) =
        (sides("firstphase_width", "firstphase_height")?, request.width, request.height)
    {
        request.width = size(fields, "firstphase_width")?;
        request.height = size(fields, "firstphase_height")?;
        return Ok(HiresSize::Size(width, height));
    }
    let aspect = match (request.width, request.height) {
        (Some(width), Some(height)) => width as f64 / height as f64,
        _ => 1.0,
    };
    let multiple = |pixels: f64| (pixels as usize / 8 * 8).max(8);
    Ok(match sides("hr_resize_x", "hr_resize_y")? {
        (None, None) => HiresSize::Factor(fields.number_in("hr_scale", 1.0, 16.0)?.unwrap_or(2.0)),
        (Some(width), None) => HiresSize::Size(multiple(width as f64), multiple(width as f64 / aspect)),
        (None, Some(height)) => HiresSize::Size(multiple(height as f64 * aspect), multiple(height as f64)),
        (Some(width), Some(height)) => HiresSize::Size(multiple(width as f64), multiple(height as f64)),
    })
}

/// The strength of a drawing that begins with an image. At 0, AUTOMATIC1111 still makes one step.
pub(super) fn strength(fields: &Fields<'_>, steps: Option<usize>) -> Result<f64, SdapiError> {
    let strength = fields.number_in("denoising_strength", 0.0, 1.0)?.unwrap_or(STRENGTH);
    // A little more than one step's share, because shares are rounded down.
    let one_step = 1.000_001 / steps.unwrap_or(20) as f64;
    Ok(strength.max(one_step).min(1.0))
}

/// Reads the fields of a refiner: both or none.
pub(super) fn refiner(fields: &Fields<'_>) -> Result<Option<RefinerPass>, SdapiError> {
    let model = fields.filled_text("refiner_checkpoint")?.filter(|name| !name.eq_ignore_ascii_case("none"));
    let start = fields.number_in("refiner_switch_at", 0.0, 1.0)?.filter(|start| *start > 0.0 && *start < 1.0);
    Ok(model.zip(start).map(|(model, start)| RefinerPass { model: model.to_owned(), start }))
}
