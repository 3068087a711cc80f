use std::cell::Cell;

use burn::tensor::{DType as TensorType, Device, Tensor, TensorData};
use sd_model::{Components, Model};
use sd_vae::Autoencoder;

use crate::guided::{GivenEmbeddings, Guided, Inputs, Steering, Texts};
use crate::plan::Settings;
use crate::plan::batch::Batch;
use crate::{Error, Field};

/// The networks of a pipeline, in the form that a drawing needs.
pub(crate) struct Networks<'a> {
    pub model: &'a Model,
    pub components: Components,
    pub device: &'a Device,
}

impl Networks<'_> {
    /// Changes the networks for these settings.
    pub fn with(self, settings: &Settings) -> Result<Self, Error> {
        let components = if settings.vae_tiling { self.components.in_bands() } else { self.components };
        let components = match settings.seamless.wrap() {
            None => components,
            Some(wrap) => components.with_wrap(wrap).ok_or_else(|| {
                Error::request(Field::Seamless, "is not possible with these networks: they cannot wrap around")
            })?,
        };
        let components = match settings.freeu {
            None => components,
            Some(freeu) => {
                let backbone = components.backbone.with_freeu(freeu);
                let reason = "is for U-Nets, and this network is none: leave it out";
                let backbone = backbone.ok_or_else(|| Error::request(Field::FreeU, reason))?;
                Components { backbone, ..components }
            }
        };
        let reuse = settings.reuse();
        if (reuse.deep_cache, reuse.text_gate) != (None, None) && !components.backbone.recalls() {
            let field = if reuse.deep_cache.is_some() { Field::DeepCache } else { Field::TextGate };
            return Err(Error::request(field, "is for U-Nets, and this network is none: leave it out"));
        }
        let components = match reuse.merge_tokens {
            None => components,
            Some(ratio) => {
                let backbone = components.backbone.with_merged_tokens(ratio);
                let reason = "is for U-Nets, and this network is none: leave it out";
                let backbone = backbone.ok_or_else(|| Error::request(Field::MergeTokens, reason))?;
                Components { backbone, ..components }
            }
        };
        settings.check_middle(components.backbone.has_middle_attention())?;
        Ok(Self { components, ..self })
    }

    /// Encodes the texts of a batch, or takes given embeddings; none for models that read no text.
    pub fn texts(&self, batch: &Batch, given: Option<&GivenEmbeddings>) -> Result<Option<Texts>, Error> {
        let Some(encoder) = &self.components.text_encoder else { return Ok(None) };
        Texts::new(batch, &batch.settings.guidance(), &**encoder, self.model, given).map(Some)
    }

    /// The network as a denoiser; `level` is the index of the level where the current step begins.
    pub fn guided<'a>(
        &'a self,
        settings: &'a Settings,
        texts: Option<Texts>,
        channels: Option<Tensor<4>>,
        level: &'a Cell<usize>,
    ) -> Result<Guided<'a>, Error> {
        let [_, _, height, width] = settings.latent_shape;
        let size = (settings.width.value, settings.height.value);
        let regions = settings.regions.iter().map(|region| {
            let shares = TensorData::new(region.area.coverage(size, (width, height)), [1, 1, height, width]);
            (Tensor::from_data(shares, (self.device, TensorType::F32)), region.weight)
        });
        let steering = Steering::new(settings, self.model, &self.components, self.device)?;
        let (sizes, scored) = (settings.sizes, self.model.wants_aesthetic_score());
        let guidance = settings.embedded_guidance();
        let inputs = Inputs { size, sizes, scored, guidance, channels, steering };
        let turns = settings.turns(self.model)?;
        let guided = Guided::new(&self.components, settings, texts, inputs, regions.collect(), level, turns);
        Ok(guided.with_self_conditioning(self.model.self_conditions()))
    }

    /// The autoencoder, if it can encode.
    pub fn encoder(&self) -> Result<&dyn Autoencoder, Error> {
        let Some(vae) = &self.components.autoencoder else {
            return Err(Error::Autoencoder("this model draws in pixels: it has no autoencoder".into()));
        };
        if !vae.has_encoder() {
            return Err(Error::Autoencoder("this autoencoder has no encoder: choose another one".into()));
        }
        Ok(&**vae)
    }

    /// Decodes finished latents into images from −1 to 1; returns pixels unchanged.
    pub fn decoded(&self, latents: Tensor<4>) -> Tensor<4> {
        match &self.components.autoencoder {
            Some(vae) => vae.decode(latents),
            None => latents,
        }
        .cast(TensorType::F32)
    }
}
