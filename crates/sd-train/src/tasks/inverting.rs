use std::ops::Range;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use sd_clip::ClipText;
use serde_json::Value;

use super::diffusion::{Diffusion, DiffusionBatch};
use super::text_to_latents::TextToLatents;
use crate::Task;

/// The vectors of a new word, which are all that textual inversion trains (Gal et al. 2022, section 3.3).
#[derive(Module, Debug)]
pub struct PseudoWord {
    vectors: Param<Tensor<2>>,
}

impl PseudoWord {
    /// Creates a word of `count` vectors on an autodiff device, which begin as those of the tokens `ids` of a text encoder: the
    /// vector `i` as that of the token `i·ids/count`, as in AUTOMATIC1111's web interface. So a word with as many vectors as
    /// tokens begins as a copy of them, and one token is repeated, as by diffusers' script.
    ///
    /// # Panics
    ///
    /// Panics if there are no tokens, or fewer vectors than tokens.
    pub fn new(text: &ClipText, ids: &[u32], count: usize, device: &Device) -> Self {
        assert!(!ids.is_empty() && count >= ids.len(), "{count} vectors for {} tokens", ids.len());
        let ids: Vec<u32> = (0..count).map(|i| ids[i * ids.len() / count]).collect();
        let vectors = text.token_vectors(&ids);
        Self { vectors: Param::from_tensor(Tensor::from_data(vectors.to_data(), (device, vectors.dtype()))) }
    }

    /// The vectors, `[vectors, width]`.
    pub fn vectors(&self) -> Tensor<2> {
        self.vectors.val()
    }
}

/// Trains the vectors of a new word of a diffusion model that stays as it is: to predict the noise in latents, given texts with
/// that word (Gal et al. 2022, equation 2).
#[derive(Debug, Clone)]
pub struct Inverting {
    diffusion: Diffusion,
    networks: TextToLatents,
}

impl Inverting {
    /// Trains on the latents and captions of `diffusion`, in which the ids from the size of the vocabulary on are the word.
    ///
    /// `diffusion` has no [encoded captions](Diffusion::with_encoded_captions). `networks` are the model. Give them without autodiff, so that no gradients of its weights are computed.
    pub fn new(diffusion: Diffusion, networks: TextToLatents) -> Self {
        Self { diffusion, networks }
    }
}

impl Task<PseudoWord> for Inverting {
    type Batch = DiffusionBatch;

    fn batch(&self, draws: Range<u64>) -> DiffusionBatch {
        Task::<TextToLatents>::batch(&self.diffusion, draws)
    }

    fn losses(&self, word: &PseudoWord, batch: &DiffusionBatch) -> Tensor<1> {
        let TextToLatents { text, unet, .. } = &self.networks;
        self.diffusion
            .losses_by(unet, batch, &|captions| text.forward_with_tokens(captions, word.vectors()).last.into())
    }

    fn observe(&mut self, batch: &DiffusionBatch, losses: &[f64]) {
        Task::<TextToLatents>::observe(&mut self.diffusion, batch, losses);
    }

    fn state(&self) -> Value {
        Task::<TextToLatents>::state(&self.diffusion)
    }

    fn restore(&mut self, state: Value) -> Result<(), serde_json::Error> {
        Task::<TextToLatents>::restore(&mut self.diffusion, state)
    }
}
