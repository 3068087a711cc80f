use super::origin::{Origin, Resolved};
use super::sampling::{Context, Sampling};
use super::{Plan, Settings};
use crate::{Error, Field, Model, Request, Schedule};

impl Plan {
    /// Fills in the defaults of a request, and checks that the model can draw it.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] or [`Error::Schedule`], which say what to change.
    pub fn new(model: &Model, request: &Request) -> Result<Self, Error> {
        fits(request, model)?;
        let (width, height) = size(request, model)?;
        let plan = Self {
            prompt: request.prompt.clone(),
            seed: request.seed,
            latents: request.latents.clone(),
            settings: Settings {
                negative_prompt: request.negative_prompt.clone(),
                width,
                height,
                latent_shape: model.latent_shape(width.value, height.value),
                guidance: model.reads_text().then(|| guidance(request, model)),
                sampling: Sampling::resolve(request, &context(model))?,
            },
        };
        plan.check(model)?;
        Ok(plan)
    }
}

fn context(model: &Model) -> Context<'_> {
    Context {
        scheduler: model.scheduler(),
        in_pixels: !model.reads_text(),
        is_xl: model.is_xl(),
        steps: model.defaults().steps,
    }
}

/// Checks that a request fits this kind of model.
fn fits(request: &Request, model: &Model) -> Result<(), Error> {
    let text_fields = [
        (Field::Prompt, "", request.prompt.is_some()),
        (Field::NegativePrompt, "", request.negative_prompt.is_some()),
        (Field::Guidance, "", request.guidance.is_some()),
        (Field::Schedule, "ays ", request.schedule == Some(Schedule::Ays)),
    ];
    match (model.reads_text(), text_fields.into_iter().find(|(.., is_given)| *is_given)) {
        (true, _) if request.prompt.is_none() => {
            Err(Error::request(Field::Prompt, "is missing: this model needs one, which may be empty"))
        }
        (false, Some((field, value, _))) => Err(Error::request(
            field,
            format!("{value}is for models that read a text, and this one does not: leave it out"),
        )),
        _ => Ok(()),
    }
}

/// Width and height in pixels.
fn size(request: &Request, model: &Model) -> Result<(Resolved<usize>, Resolved<usize>), Error> {
    let factor = model.scale_factor();
    let check = |field: Field, requested: Option<usize>, default: usize| {
        let size = Resolved::requested(requested).unwrap_or(Resolved::new(default, Origin::Config));
        let value = size.value;
        if value > 0 && value.is_multiple_of(factor) {
            return Ok(size);
        }
        let (below, above) = ((value / factor).max(1) * factor, (value / factor + 1) * factor);
        Err(Error::request(
            field,
            format!("{value} is not a multiple of {factor}, this model's scale factor: try {below} or {above}"),
        ))
    };
    let (width, height) = model.default_size();
    Ok((check(Field::Width, request.width, width)?, check(Field::Height, request.height, height)?))
}

/// The guidance scale; 1 and below means no guidance.
fn guidance(request: &Request, model: &Model) -> Resolved<f64> {
    let of_model = || model.defaults().guidance.map(|scale| Resolved::new(scale, Origin::Model));
    let default = if model.is_xl() { 5.0 } else { 7.5 };
    Resolved::requested(request.guidance).or_else(of_model).unwrap_or(Resolved::new(default, Origin::Default))
}
