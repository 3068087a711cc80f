use crate::edit::Init;
use crate::{Error, ExtraInput, Field, GuidanceOptions, Model, Request, Schedule, Syntax};

/// Checks that a request fits this kind of model, and that its parts fit each other.
pub(super) fn check(request: &Request, model: &Model) -> Result<(), Error> {
    check_text(request, model)?;
    let refused = [
        (Field::Mask, request.inpaint.is_some(), "the image that it is for"),
        (Field::Outpaint, request.outpaint.is_some(), "the image to extend"),
    ];
    for (field, _, image) in refused.into_iter().filter(|(_, is_given, _)| *is_given) {
        if !model.reads_text() {
            return Err(Error::request(field, "is for models that work on latents, and this one draws in pixels"));
        }
        if !matches!(request.init, Some(Init::Image(_))) {
            return Err(Error::request(field, format!("needs {image}: give `init_image`")));
        }
    }
    let is_unfinished = matches!(request.init, Some(Init::Unfinished(_)));
    if is_unfinished != request.denoising_start.is_some() {
        let reason = "and unfinished latents need each other: give both or neither";
        return Err(Error::request(Field::DenoisingStart, reason));
    }
    if request.image_guidance.is_some() && model.extra_input() != Some(ExtraInput::Image) {
        let reason = "is for InstructPix2Pix models, and this is none: leave it out";
        return Err(Error::request(Field::ImageGuidance, reason));
    }
    Ok(())
}

/// Checks that there is a prompt for models that read a text, and nothing of the kind for others.
fn check_text(request: &Request, model: &Model) -> Result<(), Error> {
    match (model.reads_text(), text_field(request)) {
        (true, _) if request.prompt.is_none() => {
            Err(Error::request(Field::Prompt, "is missing: this model needs one, which may be empty"))
        }
        (false, Some(field)) => {
            let value = if field == Field::Schedule { "ays " } else { "" };
            Err(Error::request(
                field,
                format!("{value}is for models that read a text, and this one does not: leave it out"),
            ))
        }
        _ => Ok(()),
    }
}

/// A field that is given, and that means something only with a text.
fn text_field(request: &Request) -> Option<Field> {
    let options = &request.guidance_options;
    let fields = [
        (Field::Prompt, request.prompt.is_some()),
        (Field::NegativePrompt, request.negative_prompt.is_some()),
        (Field::PromptSyntax, request.prompt_syntax != Syntax::default()),
        (Field::Region, !request.regions.is_empty()),
        (Field::ClipSkip, request.clip_skip.is_some()),
        (Field::Guidance, request.guidance.is_some()),
        (Field::GuidanceSchedule, options.schedule.is_some()),
        (Field::GuidanceInterval, options.interval != GuidanceOptions::default().interval),
        (Field::GuidanceRescale, options.rescale != 0.0),
        (Field::CfgPlusPlus, options.plus_plus),
        (Field::Apg, options.apg.is_some()),
        (Field::Pag, options.pag != 0.0),
        (Field::Sag, options.sag != 0.0),
        (Field::DynamicThreshold, options.threshold.is_some()),
        (Field::PerpNeg, options.perpendicular.is_some()),
        (Field::FreeU, request.freeu.is_some()),
        (Field::Fast, request.fast.is_some()),
        (Field::DeepCache, request.reuse.deep_cache.is_some()),
        (Field::TextGate, request.reuse.text_gate.is_some()),
        (Field::GuidanceEvery, request.reuse.guidance_every.is_some()),
        (Field::MergeTokens, request.reuse.merge_tokens.is_some()),
        (Field::Control, !request.controls.is_empty()),
        (Field::GuessMode, request.guess_mode),
        (Field::ImagePrompt, !request.image_prompts.is_empty()),
        (Field::Schedule, request.schedule == Some(Schedule::Ays)),
    ];
    fields.into_iter().find(|(_, is_given)| *is_given).map(|(field, _)| field)
}
