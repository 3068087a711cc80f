use super::origin::{Origin, Resolved};
use super::sampling::{Context, Sampling};
use super::{Plan, Settings};
use crate::model::Model;
use crate::{Error, Field, Request, Schedule};

impl Model {
    /// Decides what a request leaves open, and checks that it can be drawn.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] or [`Error::Schedule`] with what to change.
    pub fn plan(&self, request: &Request) -> Result<Plan, Error> {
        fits(request, self)?;
        let (width, height) = size(request, self)?;
        let plan = Plan {
            prompt: request.prompt.clone(),
            seed: request.seed,
            latents: request.latents.clone(),
            settings: Settings {
                negative_prompt: request.negative_prompt.clone(),
                width,
                height,
                latent_shape: self.latent_shape(width.value, height.value),
                guidance: self.text_to_image().map(|_| guidance(request, self)),
                sampling: Sampling::resolve(request, &self.sampling_context())?,
            },
        };
        plan.check(self)?;
        Ok(plan)
    }

    fn sampling_context(&self) -> Context<'_> {
        Context {
            scheduler: &self.scheduler,
            in_pixels: self.text_to_image().is_none(),
            is_xl: self.is_xl(),
            steps: self.defaults.steps,
        }
    }
}

/// Checks that a request says what this kind of model can be given.
fn fits(request: &Request, model: &Model) -> Result<(), Error> {
    let of_text = [
        (Field::Prompt, "", request.prompt.is_some()),
        (Field::NegativePrompt, "", request.negative_prompt.is_some()),
        (Field::Guidance, "", request.guidance.is_some()),
        (Field::Schedule, "ays ", request.schedule == Some(Schedule::Ays)),
    ];
    match (model.text_to_image(), of_text.into_iter().find(|(.., is_given)| *is_given)) {
        (Some(_), _) if request.prompt.is_none() => {
            Err(Error::request(Field::Prompt, "is missing: this model draws what a text says; it may be empty"))
        }
        (None, Some((field, value, _))) => Err(Error::request(
            field,
            format!("{value}is for models that read a text, and this one does not: leave it out"),
        )),
        _ => Ok(()),
    }
}

/// Width and height in pixels.
fn size(request: &Request, model: &Model) -> Result<(Resolved<usize>, Resolved<usize>), Error> {
    let factor = model.factor();
    let check = |field: Field, requested: Option<usize>, default: usize| {
        let size = Resolved::requested(requested).unwrap_or(Resolved::new(default, Origin::Config));
        let value = size.value;
        if value > 0 && value.is_multiple_of(factor) {
            return Ok(size);
        }
        let (below, above) = ((value / factor).max(1) * factor, (value / factor + 1) * factor);
        Err(Error::request(
            field,
            format!("{value} is not a multiple of {factor}, this model's factor: try {below} or {above}"),
        ))
    };
    let (width, height) = model.default_size;
    Ok((check(Field::Width, request.width, width)?, check(Field::Height, request.height, height)?))
}

/// The guidance scale; 1 and below is none.
fn guidance(request: &Request, model: &Model) -> Resolved<f64> {
    let of_model = || model.defaults.guidance.map(|scale| Resolved::new(scale, Origin::Model));
    let default = if model.is_xl() { 5.0 } else { 7.5 };
    Resolved::requested(request.guidance).or_else(of_model).unwrap_or(Resolved::new(default, Origin::Default))
}
