use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use sd_weights::{Component, LoraLayer};
use serde_json::Value;

use super::diffusion::{Diffusion, DiffusionBatch};
use super::text_to_latents::TextToLatents;
use crate::Task;
use crate::adapters::{AdapterConfig, Adapters, RowDropout};

/// The adapters of a diffusion model.
#[derive(Module, Debug)]
pub struct Adaptation {
    /// Those of the text encoder.
    pub text: Adapters,
    /// Those of Stable Diffusion XL's second text encoder.
    pub text_2: Adapters,
    /// Those of the U-Net.
    pub unet: Adapters,
}

impl Adaptation {
    /// Creates adapters of a model's U-Net on an autodiff device, and of its text encoders if `text` is given.
    pub fn new(
        networks: &TextToLatents,
        unet: AdapterConfig,
        text: Option<AdapterConfig>,
        seed: u64,
        device: &Device,
    ) -> Self {
        // Other seeds, because layers are told apart by their number in their network.
        let first = text.map(|config| Adapters::new(&networks.text, Component::TextEncoder, config, !seed, device));
        let second = text.zip(networks.text_2.as_ref()).map(|(config, network)| {
            Adapters::new(network, Component::TextEncoder2, config, !seed.wrapping_add(1), device)
        });
        Self {
            text: first.unwrap_or_else(Adapters::none),
            text_2: second.unwrap_or_else(Adapters::none),
            unet: Adapters::new(&networks.unet, Component::Unet, unet, seed, device),
        }
    }

    /// Returns the changed model. Give one without autodiff, so that only the adapters have gradients.
    pub fn apply(&self, networks: &TextToLatents) -> TextToLatents {
        TextToLatents {
            text: self.text.apply(&networks.text),
            text_2: networks.text_2.as_ref().map(|network| self.text_2.apply(network)),
            unet: self.unet.apply(&networks.unet),
        }
    }

    /// Returns the changed layers and their tensors, to be written by [`write_lora`](sd_weights::write_lora).
    pub fn to_layers(&self) -> Vec<LoraLayer> {
        [self.text.to_layers(), self.text_2.to_layers(), self.unet.to_layers()].concat()
    }
}

/// Trains adapters of a diffusion model that stays as it is (Hu et al. 2021): to predict the noise in latents, given their
/// text.
#[derive(Debug, Clone)]
pub struct Adapting {
    diffusion: Diffusion,
    networks: TextToLatents,
    dropout: f64,
    seed: u64,
}

/// The input of one pass through the networks.
#[derive(Debug, Clone)]
pub struct AdaptingBatch {
    draws: DiffusionBatch,
    first: u64,
}

impl Adapting {
    /// Trains on the latents and captions of `diffusion`.
    ///
    /// `networks` are the model that is adapted, without autodiff. `dropout`, in `[0, 1)`, is the share of
    /// [rows](RowDropout) of each change that a pass leaves out, by `seed`.
    pub fn new(diffusion: Diffusion, networks: TextToLatents, dropout: f64, seed: u64) -> Self {
        Self { diffusion, networks, dropout, seed }
    }
}

impl Task<Adaptation> for Adapting {
    type Batch = AdaptingBatch;

    fn batch(&self, draws: Range<u64>) -> AdaptingBatch {
        AdaptingBatch { first: draws.start, draws: Task::<TextToLatents>::batch(&self.diffusion, draws) }
    }

    fn losses(&self, model: &Adaptation, batch: &AdaptingBatch) -> Tensor<1> {
        let mut dropout = RowDropout::new(self.dropout, self.seed, batch.first);
        let adapted = TextToLatents {
            text: model.text.apply_with_dropout(&self.networks.text, &mut dropout),
            text_2: self.networks.text_2.as_ref().map(|text| model.text_2.apply_with_dropout(text, &mut dropout)),
            unet: model.unet.apply_with_dropout(&self.networks.unet, &mut dropout),
        };
        self.diffusion.losses(&adapted, &batch.draws)
    }

    fn observe(&mut self, batch: &AdaptingBatch, losses: &[f64]) {
        Task::<TextToLatents>::observe(&mut self.diffusion, &batch.draws, losses);
    }

    fn state(&self) -> Value {
        Task::<TextToLatents>::state(&self.diffusion)
    }

    fn restore(&mut self, state: Value) -> Result<(), serde_json::Error> {
        Task::<TextToLatents>::restore(&mut self.diffusion, state)
    }
}
