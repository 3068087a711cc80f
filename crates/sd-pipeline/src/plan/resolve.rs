use super::canvas::Canvas;
use super::origin::{Origin, Resolved};
use super::sampling::{Context, Sampling};
use super::{Plan, Settings, canvas, control, fits, steps};
use crate::{Error, ExtraInput, Model, Request};

impl Plan {
    /// Fills in the defaults of a request, and checks that the model can draw it.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] or [`Error::Schedule`], which say what to change.
    pub fn new(model: &Model, request: &Request) -> Result<Self, Error> {
        fits::check(request, model)?;
        let extra = model.extra_input();
        let strength = steps::strength(request, extra)?;
        let canvas = canvas::resolve(request, model)?;
        let hints = control::hints(request, &canvas, model)?;
        let image_prompts = control::image_prompts(request, &canvas, model)?;
        let Canvas { width, height, init, mask, overlay } = canvas;
        let (wide, high) = (width.value, height.value);
        let regions = request.regions.iter().map(|region| region.resolved(wide, high)).collect::<Result<_, _>>()?;
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
                prompt_syntax: request.prompt_syntax,
                regions,
                clip_skip: request.clip_skip.unwrap_or(1),
                sizes: request.sizes,
                steps_before: request.steps_before,
                width,
                height,
                latent_shape: model.latent_shape(width.value, height.value),
                guidance: model.reads_text().then(|| guidance(request, model)),
                embeds_guidance: model.embeds_guidance(),
                image_guidance: (extra == Some(ExtraInput::Image)).then(|| image_guidance(request)),
                guidance_options: request.guidance_options.clone(),
                freeu: request.freeu,
                fast: request.fast,
                reuse: request.reuse,
                hints,
                guess_mode: request.guess_mode,
                image_prompts,
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
        few_steps: model.few_steps(),
        strength: strength.map(|strength| strength.value),
    }
}

/// The scale of CFG++ that its paper compares with 7.5 (Chung et al. 2024, table 1).
const PLUS_PLUS: f64 = 0.6;

/// The guidance scale; 1 and below means no guidance.
fn guidance(request: &Request, model: &Model) -> Resolved<f64> {
    let of_few_steps = || model.few_steps().map(|few| few.guidance);
    let of_model = || model.defaults().guidance.or_else(of_few_steps).map(|scale| Resolved::new(scale, Origin::Model));
    let default = if model.is_xl() { 5.0 } else { 7.5 };
    let requested = Resolved::requested(request.guidance);
    if request.guidance_options.plus_plus {
        return requested.unwrap_or(Resolved::new(PLUS_PLUS, Origin::Default));
    }
    requested.or_else(of_model).unwrap_or(Resolved::new(default, Origin::Default))
}

/// How closely an InstructPix2Pix model follows the image.
fn image_guidance(request: &Request) -> Resolved<f64> {
    Resolved::requested(request.image_guidance).unwrap_or(Resolved::new(1.5, Origin::Default))
}
