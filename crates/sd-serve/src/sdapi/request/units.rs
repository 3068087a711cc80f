//! ControlNet's units, of `alwayson_scripts`.

use sd_engine::{Job, NamedAdapter};
use sd_image::{Filter, Fit, Image};
use sd_pipeline::{ControlImage, ControlMode, ImagePrompt, Preprocessor};
use serde_json::Value;

use super::Kind;
use super::scripts::is_controlnet;
use crate::sdapi::fields::Fields;
use crate::sdapi::{SdapiError, names, picture};

/// As many units as the extension's settings allow.
pub(in crate::sdapi) const MAX_UNITS: usize = 10;

/// Adds what the units ask for to a job.
pub(super) fn read(
    fields: &Fields<'_>,
    kind: Kind,
    job: &mut Job,
    warnings: &mut Vec<String>,
) -> Result<(), SdapiError> {
    let Some(scripts) = fields.object("alwayson_scripts")? else { return Ok(()) };
    let mut first = kind == Kind::Txt2img;
    for name in scripts.names().filter(|name| is_controlnet(name)) {
        let Some(script) = scripts.object(name)? else { continue };
        let args = script.list("args")?.unwrap_or_default();
        if args.len() > MAX_UNITS {
            return Err(script.wrong("args", format!("{} units: expected up to {MAX_UNITS}", args.len())));
        }
        for (index, value) in args.iter().enumerate().filter(|(_, value)| !value.is_null()) {
            let unit = script.object_in_list("args", index, value)?;
            if !unit.flag("enabled")?.unwrap_or(true) {
                continue;
            }
            let Some(model) = unit.filled_text("model")?.filter(|name| !name.eq_ignore_ascii_case("none")) else {
                warnings.push(format!("ControlNet unit {index}: without a model it has no effect"));
                continue;
            };
            let fit = fit(&unit)?;
            if first {
                // Without an initial image there is nothing else to fit.
                (job.request.resize, first) = (fit, false);
            }
            add(&unit, model, fit, job)?;
            for name in ["mask", "mask_image"] {
                if unit.value(name).is_some_and(|mask| mask != "") {
                    warnings
                        .push(format!("ControlNet unit {index}: {name} has no effect: the mask is that of img2img"));
                }
            }
            if unit.text("hr_option").ok().flatten().is_some_and(|option| option != "Both") {
                warnings.push(format!("ControlNet unit {index}: hr_option: it steers both drawings"));
            }
        }
    }
    Ok(())
}

fn add(unit: &Fields<'_>, model: &str, fit: Fit, job: &mut Job) -> Result<(), SdapiError> {
    let image = unit_image(unit)?.map(|image| fitted(image, fit, job));
    let scale = unit.number("weight")?.unwrap_or(1.0);
    let start = unit.number_in("guidance_start", 0.0, 1.0)?.unwrap_or(0.0);
    let end = match unit.number_in("guidance_end", 0.0, 1.0)? {
        Some(end) => end,
        None => unit.number_in("guidance", 0.0, 1.0)?.unwrap_or(1.0),
    };
    let module = unit.filled_text("module")?.unwrap_or("none");
    if [module, model].iter().any(|name| name.to_ascii_lowercase().replace('_', "-").starts_with("ip-adapter")) {
        let Some(image) = image else { return Err(unit.wrong("image", "an image prompt needs an image")) };
        job.image_adapters.push(NamedAdapter { name: model.into(), encoder: None });
        let adapter = job.image_adapters.len() - 1;
        job.request.image_prompts.push(ImagePrompt { scale, start, end, ..ImagePrompt::new(adapter, image) });
        return Ok(());
    }
    let preprocess = preprocessor(module, unit.number("threshold_a")?, unit.number("threshold_b")?);
    let preprocess = preprocess.map_err(|reason| unit.wrong("module", reason))?;
    job.controls.push(model.into());
    job.request.controls.push(ControlImage {
        network: job.controls.len() - 1,
        image,
        preprocess,
        scale,
        start,
        end,
        mode: mode(unit)?,
        ..ControlImage::default()
    });
    Ok(())
}

/// The image of a unit: in base64, or in an object beside its mask.
fn unit_image(unit: &Fields<'_>) -> Result<Option<Image>, SdapiError> {
    for name in ["image", "input_image"] {
        let text = match unit.value(name) {
            None => None,
            Some(Value::Object(_)) => match unit.object(name)? {
                Some(inner) => inner.filled_text("image")?,
                None => None,
            },
            Some(_) => unit.filled_text(name)?,
        };
        if let Some(text) = text {
            return picture::image(text).map(Some);
        }
    }
    Ok(None)
}

/// Brings an image to the size of the drawing, if the drawing would do it in another way.
fn fitted(image: Image, fit: Fit, job: &Job) -> Image {
    match (job.request.width, job.request.height) {
        (Some(width), Some(height)) if fit != job.request.resize => image.fit(width, height, fit, Filter::Lanczos),
        _ => image,
    }
}

/// Returns the preprocessor that a module is here, with its thresholds. Those out of range count as none, as there.
///
/// # Errors
///
/// A line about a module that is not there.
pub(in crate::sdapi) fn preprocessor(module: &str, a: Option<f64>, b: Option<f64>) -> Result<Preprocessor, String> {
    let name = module.split(" (").next().unwrap_or(module);
    let plain = name.parse::<Preprocessor>().map_err(|error| error.to_string())?;
    let [a, b] = [a, b].map(|threshold| threshold.filter(|number| *number >= 0.0));
    let byte = |number: Option<f64>| number.filter(|number| *number <= 255.0).map(|number| number.round() as u8);
    let adjusted = match plain {
        Preprocessor::Canny { low, high } => {
            Preprocessor::Canny { low: byte(a).unwrap_or(low), high: byte(b).unwrap_or(high) }
        }
        Preprocessor::Scribble { threshold } => Preprocessor::Scribble { threshold: byte(a).unwrap_or(threshold) },
        Preprocessor::Threshold { level } => Preprocessor::Threshold { level: byte(a).unwrap_or(level) },
        Preprocessor::Blur { sigma } => Preprocessor::Blur { sigma: a.unwrap_or(sigma) },
        Preprocessor::Tile { factor } => Preprocessor::Tile { factor: a.unwrap_or(factor) },
        Preprocessor::Luminance { gamma } => Preprocessor::Luminance { gamma: a.unwrap_or(gamma) },
        Preprocessor::Intensity { gamma } => Preprocessor::Intensity { gamma: a.unwrap_or(gamma) },
        other => other,
    };
    Ok(if adjusted.check().is_ok() { adjusted } else { plain })
}

/// Which of prompt and image counts more: a text, a number, or either in a list, as one client writes it.
fn mode(unit: &Fields<'_>) -> Result<ControlMode, SdapiError> {
    let value = match unit.value("control_mode") {
        Some(Value::Array(list)) => list.first(),
        other => other,
    };
    match value.and_then(names::control_mode) {
        Some(mode) => Ok(mode),
        None if value.is_none() => Ok(ControlMode::Balanced),
        None => {
            let known = names::CONTROL_MODES.map(|(name, _)| name).join(", ");
            Err(unit.wrong("control_mode", format!("expected 0 to 2, or one of {known}")))
        }
    }
}

fn fit(unit: &Fields<'_>) -> Result<Fit, SdapiError> {
    match unit.value("resize_mode") {
        None => Ok(Fit::Crop),
        Some(value) => names::fit(value).ok_or_else(|| {
            unit.wrong("resize_mode", "expected 0 to 2, or one of Just Resize, Crop and Resize, Resize and Fill")
        }),
    }
}
