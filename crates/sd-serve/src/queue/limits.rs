use sd_engine::{HiresSize, Job};
use sd_pipeline::{Init, Outpaint, Request};

use super::Refused;
use crate::artist::Outline;
use crate::options::Limits;

/// A side in pixels that a drawing is taken to have where only its model says how long it is.
const SMALLEST: usize = 64;

/// Refuses what is too much at first sight, before anything is computed from it.
pub fn check_job(job: &Job, limits: &Limits) -> Result<(), Refused> {
    if job.count == 0 {
        return Err(Refused::Wrong("count: 0 images, expected at least 1".into()));
    }
    check("count", "images", job.count, limits.count)?;
    let (request, hires) = (&job.request, job.hires.as_ref());
    for steps in [request.steps, Some(request.steps_before), hires.and_then(|pass| pass.steps)] {
        check_steps(steps.unwrap_or(0), limits)?;
    }
    let (width, height) = size_of_init(request);
    check_pixels(width, height, limits)?;
    let (width, height) = (request.width.unwrap_or(width), request.height.unwrap_or(height));
    check_pixels(width, height, limits)?;
    match hires.map(|pass| pass.size) {
        Some(HiresSize::Size(width, height)) => check_pixels(width, height, limits),
        Some(HiresSize::Factor(factor)) => {
            // Too large a product is the largest of numbers.
            let larger = |side: usize| (side as f64 * factor) as usize;
            check_pixels(larger(width), larger(height), limits)
        }
        None => Ok(()),
    }
}

/// The size that a request has without `width` and `height`, as far as can be told without its model: that of the image from which it
/// starts, with what is added at its sides.
fn size_of_init(request: &Request) -> (usize, usize) {
    let image = match &request.init {
        Some(Init::Image(image)) => image,
        Some(Init::Latents(latents) | Init::Unfinished(latents)) => return (latents.shape[3], latents.shape[2]),
        _ => return (SMALLEST, SMALLEST),
    };
    let Outpaint { top, right, bottom, left } = request.outpaint.unwrap_or_default();
    (image.width.saturating_add(left).saturating_add(right), image.height.saturating_add(top).saturating_add(bottom))
}

/// Refuses what is too much once all passes are known.
pub fn check_outline(outline: &Outline, limits: &Limits) -> Result<(), Refused> {
    check_steps(outline.steps, limits)?;
    check_pixels(outline.width, outline.height, limits)
}

fn check_steps(steps: usize, limits: &Limits) -> Result<(), Refused> {
    check("steps", "steps", steps as u64, limits.steps as u64)
}

fn check_pixels(width: usize, height: usize, limits: &Limits) -> Result<(), Refused> {
    let pixels = width.saturating_mul(height);
    if pixels <= limits.pixels {
        return Ok(());
    }
    let most = limits.pixels;
    Err(Refused::TooLarge(format!("size: {width}×{height} are {pixels} pixels, and this server draws at most {most}")))
}

fn check(field: &str, unit: &str, wanted: u64, most: u64) -> Result<(), Refused> {
    if wanted <= most {
        return Ok(());
    }
    Err(Refused::TooLarge(format!("{field}: {wanted} {unit}, and this server draws at most {most}")))
}

#[cfg(test)]
mod tests {
    use sd_engine::HiresPass;
    use sd_image::Image;
    use sd_pipeline::Latents;
    use serde_json::json;

    use super::*;

    /// A job with an image of 10×100 pixels, and with other fields of its request.
    fn job(fields: serde_json::Value) -> Job {
        let mut request = json!({ "init": { "image": Image { width: 10, height: 100, rgb: vec![0; 3000] } } });
        request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(json!({ "request": request })).unwrap()
    }

    #[test]
    fn nothing_is_computed_from_a_job_that_is_too_large() {
        let limits = Limits { pixels: 100_000, steps: 50, ..Limits::default() };
        let sides = |top: u64, left: u64| json!({ "outpaint": { "top": top, "right": 0, "bottom": 1, "left": left } });
        assert_eq!(check_job(&job(sides(100, 100)), &limits), Ok(()));
        for fields in [
            sides(1_000_000, 0),
            sides(u64::MAX, u64::MAX),
            // The height is that of the image.
            json!({ "width": 1001 }),
            json!({ "height": 10_001 }),
            json!({ "width": u64::MAX, "height": u64::MAX }),
            json!({ "steps_before": u64::MAX }),
            json!({ "init": { "latents": Latents { values: Vec::new(), shape: [1, 4, usize::MAX, 2] } } }),
        ] {
            let refused = check_job(&job(fields.clone()), &limits);
            assert!(matches!(refused, Err(Refused::TooLarge(_))), "{fields} gives {refused:?}");
        }
    }

    #[test]
    fn a_second_pass_is_measured_too() {
        let limits = Limits { pixels: 100_000, steps: 50, ..Limits::default() };
        let with = |size, steps| {
            let mut job = job(json!({}));
            job.hires = Some(HiresPass { size, steps, ..HiresPass::default() });
            check_job(&job, &limits)
        };
        assert_eq!(with(HiresSize::Factor(10.0), Some(50)), Ok(()));
        for (size, steps) in [
            (HiresSize::Factor(11.0), None),
            (HiresSize::Factor(f64::INFINITY), None),
            (HiresSize::Size(usize::MAX, 2), None),
            (HiresSize::Factor(2.0), Some(51)),
        ] {
            assert!(matches!(with(size, steps), Err(Refused::TooLarge(_))), "{size:?} {steps:?}");
        }
    }
}
