//! Requests of `txt2img` and `img2img`, translated to jobs.

mod passes;
mod sampling;
mod scripts;
mod start;
mod units;

use sd_engine::Job;
use sd_image::Image;
use sd_pipeline::{Init, Request, Seamless, Variation};
use serde_json::{Map, Value};

pub(super) use self::units::{MAX_UNITS, preprocessor};
use super::SdapiError;
use super::fields::Fields;
use super::settings::Chosen;
use crate::api_error::ApiError;
use crate::options::Limits;

/// Which of the two requests it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// From a text alone.
    Txt2img,
    /// From images.
    Img2img,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// What is drawn, with the number of all images.
    pub job: Job,
    /// All initial images if there are several: the drawings take them in turn.
    pub init_images: Vec<Image>,
    /// The second seed, whether it has a share or not.
    pub subseed: u64,
    /// Whether the response has the images.
    pub send_images: bool,
    /// What was asked for and has no effect, a line each.
    pub warnings: Vec<String>,
}

/// Translates a request. Fields that are not known are passed over, as there.
///
/// # Errors
///
/// Fields of the wrong type, values out of their ranges, and what this server cannot do.
pub(super) fn read(
    kind: Kind,
    body: &Map<String, Value>,
    chosen: &Chosen,
    limits: &Limits,
) -> Result<Wanted, SdapiError> {
    let fields = Fields::of_body(body);
    let mut warnings = scripts::without_effect(kind, &fields)?;
    let subseed = seed(&fields, "subseed")?;
    let strength = fields.number_in("subseed_strength", 0.0, 1.0)?.unwrap_or(0.0);
    let mut job = Job {
        model: chosen.model.clone(),
        vae: chosen.vae.clone(),
        count: count(&fields, limits)?,
        request: Request {
            prompt: Some(fields.text("prompt")?.unwrap_or_default().into()),
            // An empty one is none: so XL models use what their config says for that.
            negative_prompt: fields.filled_text("negative_prompt")?.map(str::to_owned),
            clip_skip: chosen.clip_skip,
            width: size(&fields, "width")?,
            height: size(&fields, "height")?,
            steps: fields.integer_in("steps", 1, 1_000_000)?.map(|steps| steps as usize),
            guidance: fields.number("cfg_scale")?,
            seed: seed(&fields, "seed")?,
            variation: (strength > 0.0).then_some(Variation { seed: subseed, strength }),
            seamless: if fields.flag("tiling")? == Some(true) { Seamless::Both } else { Seamless::No },
            ..Request::default()
        },
        ..Job::default()
    };
    sampling::read(&fields, &mut job.request)?;
    let mut init_images = Vec::new();
    match kind {
        Kind::Txt2img => job.hires = passes::hires(&fields, &mut job.request, &mut warnings)?,
        Kind::Img2img => init_images = start::read(&fields, &mut job)?,
    }
    job.refiner = passes::refiner(&fields)?;
    units::read(&fields, kind, &mut job, &mut warnings)?;
    if job.count > limits.count {
        return Err(too_many(job.count, limits));
    }
    let send_images = fields.flag("send_images")?.unwrap_or(true);
    Ok(Wanted { job, init_images, subseed, send_images, warnings })
}

impl Wanted {
    /// The jobs of the images, in their order. Mostly it is one; images that differ in more than their seed are a job each.
    pub fn jobs(&self) -> impl Iterator<Item = Job> + Send {
        let is_one = self.job.request.variation.is_none() && self.init_images.is_empty();
        let parts = if is_one { 1 } else { self.job.count };
        (0..parts).map(move |image| if is_one { self.job.clone() } else { self.single(image) })
    }

    fn single(&self, image: u64) -> Job {
        let mut job = Job { count: 1, ..self.job.clone() };
        match &mut job.request.variation {
            // The first seed stays, as it is what the variations have in common.
            Some(variation) => variation.seed = variation.seed.wrapping_add(image),
            None => job.request.seed = job.request.seed.wrapping_add(image),
        }
        if !self.init_images.is_empty() {
            let turn = (image % self.init_images.len() as u64) as usize;
            job.request.init = Some(Init::Image(self.init_images[turn].clone()));
        }
        job
    }
}

/// Images in all: of each batch, times batches.
fn count(fields: &Fields<'_>, limits: &Limits) -> Result<u64, SdapiError> {
    let number = |name| Ok::<_, SdapiError>(fields.integer_in(name, 1, i64::MAX)?.unwrap_or(1) as u64);
    let count = number("batch_size")?.saturating_mul(number("n_iter")?);
    if count > limits.count { Err(too_many(count, limits)) } else { Ok(count) }
}

fn too_many(count: u64, limits: &Limits) -> SdapiError {
    ApiError::too_large(format!("batch_size × n_iter is {count}, but a request may have {} images", limits.count))
        .into()
}

/// A seed; −1 and other negative numbers draw one.
fn seed(fields: &Fields<'_>, name: &str) -> Result<u64, SdapiError> {
    match fields.integer(name)?.and_then(|seed| u64::try_from(seed).ok()) {
        Some(seed) => Ok(seed),
        // Clients in JavaScript read it back, so it has few digits.
        None => getrandom::u32()
            .map(u64::from)
            .map_err(|error| ApiError::internal(format!("no random seed: {error}")).into()),
    }
}

/// A size in pixels, rounded down to a multiple of 8 as there.
fn size(fields: &Fields<'_>, name: &str) -> Result<Option<usize>, SdapiError> {
    const UNIT: usize = 8;
    let pixels = fields.integer_in(name, 1, 1 << 20)?;
    Ok(pixels.map(|pixels| (pixels as usize / UNIT * UNIT).max(UNIT)))
}

#[cfg(test)]
mod tests;
