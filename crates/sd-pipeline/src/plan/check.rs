use super::{Plan, Settings};
use crate::edit::{Init, Variation};
use crate::{Error, ExtraInput, Field, Latents, Model};

impl Plan {
    /// Checks that the plan belongs to this model: it may have been read from a file, or changed.
    pub(crate) fn check(&self, model: &Model) -> Result<(), Error> {
        let Settings { width, height, latent_shape, guidance, image_guidance, sampling, .. } = &self.settings;
        let shape = model.latent_shape(width.value, height.value);
        let (reads_text, extra) = (model.reads_text(), model.extra_input());
        let is_its_own = (self.prompt.is_some(), guidance.is_some()) == (reads_text, reads_text)
            && *latent_shape == shape
            && self.settings.embeds_guidance == model.embeds_guidance()
            && image_guidance.is_some() == (extra == Some(ExtraInput::Image))
            && !sampling.made.is_empty()
            && sampling.made.end <= sampling.levels.value.steps()
            && [width, height].iter().all(|size| size.value > 0 && size.value.is_multiple_of(model.scale_factor()));
        if !is_its_own {
            return Err(Error::request(Field::Plan, "is of another model: make a new one from the request"));
        }
        self.check_noise(shape)?;
        self.check_start(shape)?;
        self.check_input(extra)?;
        sampling.check_variance(model)?;
        sampling.sampler(model.scheduler())?;
        self.settings.check_texts(model)?;
        self.settings.check_guidance()?;
        self.settings.check_control(model)?;
        self.settings.check_middle(model.has_middle_attention())?;
        self.check_reuse(model)
    }

    /// Checks the given noise and its variation.
    fn check_noise(&self, shape: [usize; 4]) -> Result<(), Error> {
        if let Some(latents) = &self.latents {
            check_latents(Field::Latents, latents, shape)?;
            if matches!(self.init, Some(Init::Unfinished(_))) {
                return Err(Error::request(
                    Field::Latents,
                    "are noise, but a drawing is only continued: leave them out",
                ));
            }
        }
        match self.variation {
            Some(_) if self.latents.is_some() => Err(Error::request(
                Field::VariationSeed,
                "varies the noise of a seed, not `latents`: leave one of them out",
            )),
            Some(Variation { strength, .. }) if !(0.0..=1.0).contains(&strength) => {
                Err(Error::request(Field::VariationStrength, format!("{strength}: a number from 0 to 1 is needed")))
            }
            _ => Ok(()),
        }
    }

    /// Checks the sizes of what the drawing starts from.
    fn check_start(&self, shape: [usize; 4]) -> Result<(), Error> {
        let Settings { width, height, .. } = &self.settings;
        let size = (width.value, height.value);
        let fits = |found: (usize, usize), field| match found == size {
            true => Ok(()),
            false => Err(Error::request(field, format!("is {found:?}, but the plan draws {size:?}: make a new plan"))),
        };
        match &self.init {
            None => {}
            Some(Init::Image(image)) => fits((image.width, image.height), Field::InitImage)?,
            Some(Init::Latents(latents) | Init::Unfinished(latents)) => {
                check_latents(Field::InitImage, latents, shape)?;
            }
        }
        if let Some(mask) = &self.mask {
            fits((mask.width, mask.height), Field::Mask)?;
        }
        match &self.overlay {
            Some(overlay) if !overlay.fits(size) => {
                Err(Error::request(Field::Plan, "has an overlay outside its image: make a new plan"))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the network gets what it reads beside the latents, and nothing else.
    fn check_input(&self, extra: Option<ExtraInput>) -> Result<(), Error> {
        let (has_image, has_mask) = (matches!(self.init, Some(Init::Image(_))), self.mask.is_some());
        let missing = |field, reason| Err(Error::request(field, reason));
        match extra {
            Some(ExtraInput::Mask) if !(has_image && has_mask) => missing(
                Field::Mask,
                "is missing: this model paints into a part of an image: give it `init_image` and `mask`",
            ),
            Some(ExtraInput::Image) if !has_image => {
                missing(Field::InitImage, "is missing: this model edits an image by an instruction")
            }
            Some(ExtraInput::Image) if has_mask => {
                missing(Field::Mask, "is for other models: this one edits whole images: leave it out")
            }
            Some(ExtraInput::Depth) if self.depth.is_none() => {
                missing(Field::Depth, "is missing: this model draws into the depths of an image")
            }
            Some(ExtraInput::Depth) => Ok(()),
            _ if self.depth.is_some() => {
                missing(Field::Depth, "is for depth-to-image models, and this is none: leave it out")
            }
            _ => Ok(()),
        }
    }
}

fn check_latents(field: Field, latents: &Latents, shape: [usize; 4]) -> Result<(), Error> {
    let Latents { shape: found, values } = latents;
    if *found != shape {
        return Err(Error::request(field, format!("of shape {found:?}, but this image's have {shape:?}")));
    }
    let (count, expected) = (values.len(), shape.iter().product::<usize>());
    if count != expected {
        return Err(Error::request(field, format!("of {count} values, but {shape:?} are {expected}")));
    }
    Ok(())
}
