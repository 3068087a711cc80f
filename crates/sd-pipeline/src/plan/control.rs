use sd_image::{Filter, Fit};
use sd_preprocess::Preprocessor;

use super::canvas::Canvas;
use super::{Plan, Settings};
use crate::control::{Hint, PlannedImagePrompt, Window};
use crate::edit::Init;
use crate::{ControlImage, ControlMode, Error, Field, Image, ImageLayers, ImagePrompt, Mask, Model, Request};

/// Resolves the images of the control networks: each at the size of the drawing, as its network reads it.
pub(super) fn hints(request: &Request, canvas: &Canvas, model: &Model) -> Result<Vec<Hint>, Error> {
    request.controls.iter().map(|control| hint(control, request, canvas, model)).collect()
}

fn hint(control: &ControlImage, request: &Request, canvas: &Canvas, model: &Model) -> Result<Hint, Error> {
    check(control, model)?;
    let image = match (&control.image, &canvas.init) {
        (Some(image), _) => placed(image, request, canvas),
        // The request's and not that of the canvas, whose masked part may be filled.
        (None, Some(Init::Image(_))) => match &request.init {
            Some(Init::Image(image)) => placed(image, request, canvas),
            _ => unreachable!("the canvas has the request's image"),
        },
        (None, _) => {
            let reason = "has no image, and there is no initial image that it could read: give one of them";
            return Err(Error::request(Field::Control, reason));
        }
    };
    let holes = match &canvas.mask {
        _ if !control.preprocess.needs_mask() => None,
        Some(mask) => Some(mask.clone()),
        None => {
            let reason = "is preprocessed by inpaint, which needs the `mask` of an initial image";
            return Err(Error::request(Field::Control, reason));
        }
    };
    let file = &model.controls()[control.network];
    let kind = match (file.condition_types().is_empty(), &control.kind) {
        (true, None) => None,
        (true, Some(kind)) => {
            let reason =
                format!("has the kind {kind:?}, but {} reads one kind of image only: leave it out", file.name());
            return Err(Error::request(Field::Control, reason));
        }
        (false, kind) => Some(condition_type(file, kind.as_deref(), &control.preprocess)?),
    };
    let image = control.preprocess.apply(&image);
    Ok(Hint { name: file.name(), image, holes, kind, control: ControlImage { image: None, ..control.clone() } })
}

/// The index of an image's kind: the given one, else that of what the preprocessor makes.
fn condition_type(file: &sd_model::ControlFile, kind: Option<&str>, preprocess: &Preprocessor) -> Result<usize, Error> {
    let made = match preprocess {
        Preprocessor::Canny { .. } => Some("canny"),
        Preprocessor::Scribble { .. } => Some("scribble"),
        Preprocessor::Tile { .. } | Preprocessor::Blur { .. } => Some("tile"),
        Preprocessor::Inpaint => Some("inpaint"),
        _ => None,
    };
    match kind.or(made) {
        Some(kind) => Ok(file.condition_type(kind)?),
        None => {
            let reason = format!(
                "needs the kind of its image, because {} reads several: {}",
                file.name(),
                file.condition_types().join(", ")
            );
            Err(Error::request(Field::Control, reason))
        }
    }
}

/// Brings an image to the size of the drawing. If it has the size of an initial image of which only a part is drawn, so is it: the same
/// part of it.
fn placed(image: &Image, request: &Request, canvas: &Canvas) -> Image {
    let (width, height) = (canvas.width.value, canvas.height.value);
    let size = (image.width, image.height);
    if let Some(overlay) = &canvas.overlay {
        let whole = (overlay.image.width, overlay.image.height);
        let image = match request.outpaint {
            // An image that shows what is extended is extended alike.
            Some(outpaint) if size != whole => {
                let extended = image.outpaint(outpaint.top, outpaint.right, outpaint.bottom, outpaint.left).0;
                Some(extended).filter(|extended| (extended.width, extended.height) == whole)
            }
            _ => Some(image.clone()).filter(|_| size == whole),
        };
        if let Some(image) = image {
            let part = image.crop(overlay.region);
            return match request.inpaint.as_ref().and_then(|inpaint| inpaint.only_masked) {
                Some(_) => part.fit(width, height, Fit::Pad, Filter::Lanczos),
                None => part.outpaint(0, width - part.width, height - part.height, 0).0,
            };
        }
    }
    if size == (width, height) {
        return image.clone();
    }
    image.fit(width, height, request.resize, Filter::Lanczos)
}

/// Checks the numbers of a control, and that there is such a network.
fn check(control: &ControlImage, model: &Model) -> Result<(), Error> {
    let refuse = |reason: String| Err(Error::request(Field::Control, reason));
    let networks = model.controls().len();
    if control.network >= networks {
        let network = control.network;
        return refuse(format!("names network {network}, but the model has {networks}: add it to the model first"));
    }
    if control.image.as_ref().is_some_and(|image| image.width == 0 || image.height == 0) {
        return refuse("has an empty image".into());
    }
    if !control.scale.is_finite() {
        return refuse(format!("has the scale {}: a finite number is needed", control.scale));
    }
    control.preprocess.check().map_err(|error| Error::request(Field::Control, format!(": {error}")))?;
    control.window().check(Field::Control)
}

/// Resolves image prompts: their masks get the size of the drawing.
pub(super) fn image_prompts(
    request: &Request,
    canvas: &Canvas,
    model: &Model,
) -> Result<Vec<PlannedImagePrompt>, Error> {
    let (width, height) = (canvas.width.value, canvas.height.value);
    let resolved = |prompt: &ImagePrompt| {
        prompt.check(model.image_adapters().len())?;
        if prompt.mask.as_ref().is_some_and(|mask| mask.width == 0 || mask.height == 0) {
            return Err(Error::request(Field::ImagePrompt, "has an empty mask"));
        }
        let fit = |mask: &Mask| mask.fit(width, height, request.resize, Filter::Lanczos);
        let name = model.image_adapters()[prompt.adapter].name();
        Ok(PlannedImagePrompt { name, prompt: ImagePrompt { mask: prompt.mask.as_ref().map(fit), ..prompt.clone() } })
    };
    request.image_prompts.iter().map(resolved).collect()
}

impl Settings {
    /// Checks that the images that steer the drawing fit the model: the plan may have been read from a file.
    pub(super) fn check_control(&self, model: &Model) -> Result<(), Error> {
        let size = (self.width.value, self.height.value);
        let wrong_size = |field| Err(Error::request(field, "has another size than the drawing: make a new plan"));
        for hint in &self.hints {
            check(&hint.control, model)?;
            let file = &model.controls()[hint.control.network];
            let masked = hint.holes.as_ref().is_none_or(|mask| (mask.width, mask.height) == size);
            if (hint.image.width, hint.image.height) != size || !masked {
                return wrong_size(Field::Control);
            }
            let kinds = file.condition_types().len();
            if hint.kind.map_or(kinds > 0, |kind| kind >= kinds) {
                return Err(Error::request(Field::Control, "has a kind of another network: make a new plan"));
            }
            let multiple = file.multiple();
            if !size.0.is_multiple_of(multiple) || !size.1.is_multiple_of(multiple) {
                let reason = format!(
                    "by {} needs a width and a height that are multiples of {multiple}, and the image is {}×{}",
                    file.name(),
                    size.0,
                    size.1
                );
                return Err(Error::request(Field::Control, reason));
            }
        }
        for PlannedImagePrompt { prompt, .. } in &self.image_prompts {
            prompt.check(model.image_adapters().len())?;
            if prompt.mask.as_ref().is_some_and(|mask| (mask.width, mask.height) != size) {
                return wrong_size(Field::ImagePrompt);
            }
        }
        Ok(())
    }
}

impl Settings {
    /// The images that steer the drawing, with the names that AUTOMATIC1111 has for what it writes about them.
    pub(super) fn control_named(&self) -> Vec<(String, String)> {
        let nets = self.hints.iter().map(|Hint { name, control, .. }| {
            let ControlImage { preprocess, scale, start, end, mode, .. } = control;
            let mode = match mode {
                ControlMode::Balanced => "Balanced",
                ControlMode::Prompt => "My prompt is more important",
                ControlMode::Control => "ControlNet is more important",
            };
            format!("Module: {preprocess}, Model: {name}, Weight: {scale}, Guidance Start: {start}, Guidance End: {end}, Control Mode: {mode}")
        });
        let prompts = self.image_prompts.iter().map(|PlannedImagePrompt { name, prompt }| {
            let ImagePrompt { scale, start, end, layers, .. } = prompt;
            let layers = if *layers == ImageLayers::All { String::new() } else { format!(", Layers: {layers}") };
            format!("Module: ip-adapter, Model: {name}, Weight: {scale}, Guidance Start: {start}, Guidance End: {end}{layers}")
        });
        let named: Vec<_> =
            nets.chain(prompts).enumerate().map(|(i, text)| (format!("ControlNet {i}"), text)).collect();
        let guess = (self.guess_mode && !self.hints.is_empty()).then(|| ("Guess mode".to_string(), "True".to_string()));
        named.into_iter().chain(guess).collect()
    }
}

impl Plan {
    /// Warnings about the images that steer the drawing.
    pub(super) fn control_warnings(&self) -> Vec<String> {
        let settings = &self.settings;
        let made = &settings.sampling.made;
        let never = |window: Window| !made.clone().any(|level| window.has(level, made));
        let hints = settings.hints.iter().map(|hint| (Field::Control, &hint.name, hint.control.window()));
        let prompts = settings.image_prompts.iter();
        let prompts = prompts.map(|planned| (Field::ImagePrompt, &planned.name, planned.prompt.window()));
        let unused = hints.chain(prompts).filter(|(.., window)| never(*window));
        let unused = unused.map(|(field, name, _)| {
            format!(
                "`{field}`: {name} has no effect: no step of {} is wholly between its start and its end",
                made.len()
            )
        });
        let guess = settings.guess_mode && settings.hints.is_empty();
        let guess = guess.then(|| "`guess_mode` has no effect: there is no control network".to_string());
        unused.chain(guess).collect()
    }
}
