use std::path::Path;

use burn::tensor::{Device, Tensor};
use sd_model::{Components, FewSteps, Model};
use sd_prompt::{Syntax, Text};

use crate::networks::Networks;
use crate::plan::{Plan, check_clip_skip};
use crate::{
    DType, Embeddings, Error, Image, Latents, Lora, LoraReport, Request, images_from_tensor, images_to_tensor,
};

/// A loaded model that draws images.
#[derive(Debug)]
pub struct Pipeline {
    pub(crate) model: Model,
    pub(crate) components: Components,
    pub(crate) device: Device,
}

impl Pipeline {
    /// Makes a pipeline from components on `device`: those of the model, or replacements.
    pub fn new(model: Model, components: Components, device: &Device) -> Self {
        Self { model, components, device: device.clone() }
    }

    /// Opens a model folder or single file and loads it onto `device`: [`Model::open`], then [`load`](Self::load).
    ///
    /// # Errors
    ///
    /// As [`Model::open`] and [`load`](Self::load).
    pub fn open(path: impl AsRef<Path>, device: &Device, dtype: DType) -> Result<Self, Error> {
        Self::load(Model::open(path)?, device, dtype)
    }

    /// Reads a model's weights onto `device`.
    ///
    /// # Errors
    ///
    /// As [`Model::components`].
    pub fn load(model: Model, device: &Device, dtype: DType) -> Result<Self, Error> {
        let components = model.components(device, dtype)?;
        Ok(Self::new(model, components, device))
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Sets how the model wants to be drawn: [`Model::set_few_steps`].
    pub fn set_few_steps(&mut self, few_steps: Option<FewSteps>) {
        self.model.set_few_steps(few_steps);
    }

    /// The networks, which you can use on their own or share with another pipeline.
    pub fn components(&self) -> &Components {
        &self.components
    }

    /// Gives the model back, without its networks.
    pub fn into_model(self) -> Model {
        self.model
    }

    /// [Merges](Model::merge) a LoRA into the loaded model. Only the weights that LoRAs change are read again.
    ///
    /// Words that the LoRA adds count only after the model is loaded anew.
    ///
    /// # Errors
    ///
    /// As [`Model::merge`] and [`set_lora_scale`](Self::set_lora_scale).
    pub fn merge(&mut self, lora: Lora) -> Result<LoraReport, Error> {
        let report = self.model.merge(lora)?;
        self.components = self.model.refresh(&self.components, &self.device)?;
        Ok(report)
    }

    /// Changes the scale of a LoRA that was [merged](Model::merge) into the model; `index` counts them from 0.
    ///
    /// Only the weights that LoRAs change are read again, so this takes a fraction of the loading time. For a moment, old
    /// and new weights are both in memory.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if there are fewer LoRAs or if the backbone is not the model's own, and as [`load`](Self::load).
    pub fn set_lora_scale(&mut self, index: usize, scale: f64) -> Result<(), Error> {
        self.model.set_lora_scale(index, scale)?;
        self.components = self.model.refresh(&self.components, &self.device)?;
        Ok(())
    }

    /// Plans a request with [`Plan::new`], which fills in every default.
    ///
    /// # Errors
    ///
    /// As [`Plan::new`].
    pub fn plan(&self, request: &Request) -> Result<Plan, Error> {
        Plan::new(&self.model, request)
    }

    /// Encodes plain prompts into embeddings, one row each, in the precision of the text encoder.
    ///
    /// # Errors
    ///
    /// As [`encode_texts`](Self::encode_texts).
    pub fn encode_prompts(&self, prompts: &[&str]) -> Result<Embeddings, Error> {
        let texts: Vec<Text> = prompts.iter().map(|prompt| Text::parse(prompt, Syntax::Plain)).collect();
        Ok(Embeddings::join(&self.encode_texts(&texts, 1)?))
    }

    /// Encodes texts with weights and chunks into embeddings, each one row of as many tokens as its chunks have. `clip_skip` is the
    /// layer that is read, counted from the last, 1.
    ///
    /// # Errors
    ///
    /// [`Error::Embeddings`] if there are no texts, or if the model reads none, and [`Error::Request`] for a layer that it has not.
    pub fn encode_texts(&self, texts: &[Text], clip_skip: usize) -> Result<Vec<Embeddings>, Error> {
        let Some(encoder) = &self.components.text_encoder else {
            return Err(Error::Embeddings("this model reads no text, so it has no text encoder".into()));
        };
        if texts.is_empty() {
            return Err(Error::Embeddings("there are no prompts to encode".into()));
        }
        check_clip_skip(clip_skip, &self.model)?;
        Ok(encoder.encode(texts, clip_skip))
    }

    /// Encodes images of one size into their most likely latents, the mean of the autoencoder's distribution.
    ///
    /// # Errors
    ///
    /// [`Error::Autoencoder`] for a model in pixels, for an autoencoder without an encoder, and for images whose sizes
    /// differ or are not multiples of the model's scale factor.
    pub fn encode(&self, images: &[Image]) -> Result<Vec<Latents>, Error> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        self.latents(images)?.chunk(images.len(), 0).into_iter().map(Latents::read).collect()
    }

    /// Decodes finished latents into an image; for a model in pixels, clips and rounds the values.
    ///
    /// # Errors
    ///
    /// [`Error::Autoencoder`] for latents with a wrong number of channels or values, and [`Error::NotFiniteImage`].
    pub fn decode(&self, latents: &Latents) -> Result<Image, Error> {
        let channels = self.components.autoencoder.as_ref().map_or(3, |vae| vae.latent_channels());
        let (shape, count) = (latents.shape, latents.values.len());
        if shape[1] != channels || shape.iter().product::<usize>() != count || shape[0] != 1 {
            return Err(Error::Autoencoder(format!(
                "latents of shape {shape:?} with {count} values, but this model's are [1, {channels}, height, width]"
            )));
        }
        Ok(images_from_tensor(self.networks().decoded(latents.tensor(&self.device)))?.remove(0))
    }

    /// Encodes images of one size to the mean of their latents, and decodes them again.
    ///
    /// No model draws finer detail than this.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode), and [`Error::NotFiniteImage`].
    pub fn reconstruct(&self, images: &[Image]) -> Result<Vec<Image>, Error> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        images_from_tensor(self.networks().decoded(self.latents(images)?))
    }

    /// The networks for a drawing.
    pub(crate) fn networks(&self) -> Networks<'_> {
        Networks { model: &self.model, components: self.components.clone(), device: &self.device }
    }

    /// The most likely latents of images: `[images, channels, height, width]`.
    pub(crate) fn latents(&self, images: &[Image]) -> Result<Tensor<4>, Error> {
        let networks = self.networks();
        let vae = networks.encoder()?;
        let (width, height, factor) = (images[0].width, images[0].height, vae.scale_factor());
        if images.iter().any(|image| (image.width, image.height) != (width, height)) {
            return Err(Error::Autoencoder(
                "images encoded together must have one size: encode the others apart".into(),
            ));
        }
        if !width.is_multiple_of(factor) || !height.is_multiple_of(factor) {
            return Err(Error::Autoencoder(format!(
                "an image of {width}×{height}, but this model needs multiples of {factor}"
            )));
        }
        Ok(vae.encode(images_to_tensor(images, &self.device)).mean)
    }
}
