use super::canvas::Canvas;
use super::origin::{Origin, Resolved};
use super::sampling::{Context, Sampling};
use super::{Plan, Settings, canvas, steps};
use crate::edit::Init;
use crate::{Error, ExtraInput, Field, Model, Request, Schedule};

impl Plan {
    /// Fills in the defaults of a request, and checks that the model can draw it.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] or [`Error::Schedule`], which say what to change.
    pub fn new(model: &Model, request: &Request) -> Result<Self, Error> {
        fits(request, model)?;
        let extra = model.extra_input();
        let strength = steps::strength(request, extra)?;
        let Canvas { width, height, init, mask, overlay } = canvas::resolve(request, model)?;
        let plan = Self {
            prompt: request.prompt.clone(),
            seed: request.seed,
            latents: request.latents.clone(),
            variation: request.variation,
            init,
            mask,
            overlay,
            depth: request.depth.clone(),
            settings: Settings {
                negative_prompt: request.negative_prompt.clone(),
                width,
                height,
                latent_shape: model.latent_shape(width.value, height.value),
                guidance: model.reads_text().then(|| guidance(request, model)),
                image_guidance: (extra == Some(ExtraInput::Image)).then(|| image_guidance(request)),
                strength,
                fill: request.inpaint.as_ref().map(|inpaint| inpaint.fill).unwrap_or_default(),
                seamless: request.seamless,
                vae_tiling: request.vae_tiling,
                sampling: Sampling::resolve(request, &context(model, strength))?,
            },
        };
        plan.check(model)?;
        Ok(plan)
    }
}

fn context(model: &Model, strength: Option<Resolved<f64>>) -> Context<'_> {
    Context {
        scheduler: model.scheduler(),
        in_pixels: !model.reads_text(),
        is_xl: model.is_xl(),
        steps: model.defaults().steps,
        strength: strength.map(|strength| strength.value),
    }
}

/// Checks that a request fits this kind of model, and that its parts fit each other.
fn fits(request: &Request, model: &Model) -> Result<(), Error> {
    let has_image = matches!(request.init, Some(Init::Image(_)));
    let is_masked = request.inpaint.is_some();
    let refused = [
        (Field::Mask, is_masked && !has_image, "needs the image that it is for: give `init_image`"),
        (Field::Outpaint, request.outpaint.is_some() && !has_image, "needs the image to extend: give `init_image`"),
        (
            Field::Mask,
            is_masked && !model.reads_text(),
            "is for models that work on latents, and this one draws in pixels",
        ),
        (
            Field::Outpaint,
            request.outpaint.is_some() && !model.reads_text(),
            "is for models that work on latents, and this one draws in pixels",
        ),
        (
            Field::ImageGuidance,
            request.image_guidance.is_some() && model.extra_input() != Some(ExtraInput::Image),
            "is for InstructPix2Pix models, and this is none: leave it out",
        ),
    ];
    if let Some((field, _, reason)) = refused.into_iter().find(|(_, is_wrong, _)| *is_wrong) {
        return Err(Error::request(field, reason));
    }
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

/// The guidance scale; 1 and below means no guidance.
fn guidance(request: &Request, model: &Model) -> Resolved<f64> {
    let of_model = || model.defaults().guidance.map(|scale| Resolved::new(scale, Origin::Model));
    let default = if model.is_xl() { 5.0 } else { 7.5 };
    Resolved::requested(request.guidance).or_else(of_model).unwrap_or(Resolved::new(default, Origin::Default))
}

/// How closely an InstructPix2Pix model follows the image.
fn image_guidance(request: &Request) -> Resolved<f64> {
    Resolved::requested(request.image_guidance).unwrap_or(Resolved::new(1.5, Origin::Default))
}
