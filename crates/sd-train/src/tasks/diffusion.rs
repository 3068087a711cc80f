use std::ops::Range;
use std::sync::Arc;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::Tensor;
use sd_clip::{ClipText, Tokenizer};
use sd_unet::Unet;
use serde_json::Value;

use super::noising::{Noising, NoisyBatch};
use crate::captions::{is_dropped, shuffled_tags};
use crate::{EdmObjective, Likelihood, Objective, Task, Timesteps};

/// The two networks that turn noise and a text into latents.
///
/// To train the U-Net alone, [freeze](Module::freeze) the text encoder.
#[derive(Module, Debug)]
pub struct TextToLatents {
    /// Reads the captions.
    pub text: ClipText,
    /// Predicts the noise.
    pub unet: Unet,
}

/// How a diffusion model is trained.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct DiffusionConfig {
    /// Seed of the order of the images, their timesteps and their noise, and of the dropped captions.
    pub seed: u64,
    /// The share of draws without their caption, in `[0, 1]`.
    #[config(default = 0.1)]
    pub caption_dropout: f64,
    /// Standard deviation of the offset added to the noise of each whole channel, so that very dark and very bright
    /// images can be drawn (Guttenberg 2023, who uses 0.1); 0 for none.
    #[config(default = 0.0)]
    pub noise_offset: f64,
}

/// Trains a U-Net, and a text encoder unless it is frozen, to predict the noise in latents.
#[derive(Debug, Clone)]
pub struct Diffusion {
    noising: Noising,
    captions: Vec<Vec<u32>>,
    no_caption: Vec<u32>,
    shuffled: Option<Arc<Shuffled>>,
    config: DiffusionConfig,
}

/// Captions whose tags are shuffled.
#[derive(Debug)]
struct Shuffled {
    texts: Vec<String>,
    /// The number of tags that stay in front.
    kept: usize,
    tokenizer: Tokenizer,
}

/// The input of one pass through the networks.
#[derive(Debug, Clone)]
pub struct DiffusionBatch {
    pub(super) draws: NoisyBatch,
    pub(super) captions: Vec<Vec<u32>>,
}

impl Diffusion {
    /// Trains on latents, scaled as the U-Net takes them, in the model's precision.
    ///
    /// `captions` are the token ids of each image, padded to one length; `no_caption` are those of the empty text.
    ///
    /// # Shapes
    ///
    /// - latents: `[images, channels, height, width]`
    ///
    /// # Panics
    ///
    /// Panics if there are no latents, if there are not as many captions, or if `timesteps` and the schedule differ in
    /// their number of timesteps.
    pub fn new(
        latents: Tensor<4>,
        captions: Vec<Vec<u32>>,
        no_caption: Vec<u32>,
        objective: Objective,
        timesteps: Timesteps,
        config: DiffusionConfig,
    ) -> Self {
        let noising = Noising::new(latents.clone(), objective, timesteps, config.seed, config.noise_offset);
        Self::of(noising, &latents, captions, no_caption, config)
    }

    /// Trains by EDM on latents, scaled as the U-Net takes them, in the model's precision. Their standard deviation is best that of the
    /// process, [`sigma_data`](sd_schedule::Edm::sigma_data).
    ///
    /// # Shapes
    ///
    /// - latents: `[images, channels, height, width]`
    ///
    /// # Panics
    ///
    /// Panics if there are no latents, or not as many captions.
    pub fn edm(
        latents: Tensor<4>,
        captions: Vec<Vec<u32>>,
        no_caption: Vec<u32>,
        objective: EdmObjective,
        config: DiffusionConfig,
    ) -> Self {
        let noising = Noising::edm(latents.clone(), objective, config.seed, config.noise_offset);
        Self::of(noising, &latents, captions, no_caption, config)
    }

    fn of(
        noising: Noising,
        latents: &Tensor<4>,
        captions: Vec<Vec<u32>>,
        no_caption: Vec<u32>,
        config: DiffusionConfig,
    ) -> Self {
        let [images, ..] = latents.dims();
        assert_eq!(captions.len(), images, "{} captions for {images} images", captions.len());
        Self { noising, captions, no_caption, shuffled: None, config }
    }

    /// Shows each image as many times in an epoch as `counts` says.
    ///
    /// # Panics
    ///
    /// Panics if there is not a count above 0 for each image.
    #[must_use]
    pub fn with_repeats(self, counts: &[usize]) -> Self {
        Self { noising: self.noising.with_repeats(counts), ..self }
    }

    /// Trains a U-Net with twice as many input channels, which also reads the latents that it last predicted (Chen et al. 2022): in half
    /// of the draws those of a first call, in the others zeros.
    #[must_use]
    pub fn with_self_conditioning(self) -> Self {
        Self { noising: self.noising.with_self_conditioning(), ..self }
    }

    /// Trains a U-Net with twice as many output channels, which also learns the [variance](Objective::hybrid_losses) of DDPM's steps.
    #[must_use]
    pub fn with_learned_variance(self) -> Self {
        Self { noising: self.noising.with_learned_variance(Likelihood::Latents), ..self }
    }

    /// Shows each draw its caption with [shuffled tags](shuffled_tags) behind the first `kept` of them. `texts` are the captions
    /// of all images, instead of their token ids.
    ///
    /// # Panics
    ///
    /// Panics if there are not as many captions as images.
    #[must_use]
    pub fn with_shuffled_tags(self, texts: Vec<String>, kept: usize, tokenizer: Tokenizer) -> Self {
        assert_eq!(texts.len(), self.captions.len(), "{} captions for {} images", texts.len(), self.captions.len());
        Self { shuffled: Some(Arc::new(Shuffled { texts, kept, tokenizer })), ..self }
    }

    /// Number of images.
    pub(super) fn images(&self) -> usize {
        self.captions.len()
    }

    /// The loss of each draw for what a network predicts: `[draws]`.
    pub(super) fn losses_of(&self, draws: &NoisyBatch, predicted: Tensor<4>) -> Tensor<1> {
        self.noising.losses(draws, predicted)
    }

    fn caption(&self, draw: u64, image: usize) -> Vec<u32> {
        let is_dropped = is_dropped(self.config.seed, draw, self.config.caption_dropout);
        match &self.shuffled {
            _ if is_dropped => self.no_caption.clone(),
            Some(shuffled) => {
                let text = shuffled_tags(&shuffled.texts[image], shuffled.kept, self.config.seed, draw);
                shuffled.tokenizer.encode(&text).ids
            }
            None => self.captions[image].clone(),
        }
    }
}

impl Task<TextToLatents> for Diffusion {
    type Batch = DiffusionBatch;

    fn batch(&self, draws: Range<u64>) -> DiffusionBatch {
        let batch = self.noising.batch(draws.clone());
        let captions = draws.zip(&batch.images).map(|(draw, image)| self.caption(draw, *image)).collect();
        DiffusionBatch { draws: batch, captions }
    }

    fn losses(&self, model: &TextToLatents, DiffusionBatch { draws, captions }: &DiffusionBatch) -> Tensor<1> {
        let text = model.text.forward(captions).last.into();
        self.losses_of(draws, self.noising.predict(draws, |input| model.unet.forward(input, &draws.times, &text)))
    }

    fn observe(&mut self, batch: &DiffusionBatch, losses: &[f64]) {
        self.noising.observe(&batch.draws, losses);
    }

    fn state(&self) -> Value {
        self.noising.state()
    }

    fn restore(&mut self, state: Value) -> Result<(), serde_json::Error> {
        self.noising.restore(state)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use sd_clip::Padding;
    use sd_schedule::{BetaSchedule, NoiseSchedule, Prediction};

    use super::*;
    use crate::Weighting;

    fn task() -> Diffusion {
        let betas = BetaSchedule::ScaledLinear.betas(10, 0.00085, 0.012).unwrap();
        let schedule = NoiseSchedule::from_betas(&betas).unwrap();
        let objective = Objective { schedule, prediction: Prediction::Eps, weighting: Weighting::Simple };
        let captions = (0..3).map(|i| vec![i]).collect();
        let config = DiffusionConfig::new(1).with_noise_offset(0.1).with_caption_dropout(0.5);
        let latents = Tensor::ones([3, 2, 2, 2], &Device::flex());
        Diffusion::new(latents, captions, vec![9], objective, Timesteps::Uniform { count: 10 }, config)
    }

    fn batch(draws: Range<u64>) -> (Vec<f32>, Vec<f64>, Vec<Vec<u32>>) {
        let DiffusionBatch { draws, captions } = task().batch(draws);
        (draws.x.into_data().try_to_vec().unwrap(), draws.times, captions)
    }

    #[test]
    fn draws_are_the_same_however_they_are_put_together() {
        let ((x, t, captions), first, second) = (batch(4..10), batch(4..6), batch(6..10));
        assert_eq!(x, [first.0, second.0].concat());
        assert_eq!(t, [first.1, second.1].concat());
        assert_eq!(captions, [first.2, second.2].concat());
        assert!(captions.contains(&vec![9]) && captions.iter().any(|caption| caption != &[9]));
    }

    #[test]
    fn an_epoch_shows_each_image_as_often_as_requested() {
        let repeated = task().with_repeats(&[1, 3, 2]);
        for epoch in 0..3 {
            let images = repeated.batch(6 * epoch..6 * (epoch + 1)).draws.images;
            assert_eq!([0, 1, 2].map(|image| images.iter().filter(|i| **i == image).count()), [1, 3, 2]);
        }
    }

    #[test]
    fn shuffled_tags_are_read_as_the_text_that_they_make() {
        let tokenizer = Tokenizer::clip(Padding::End);
        let texts = vec!["a house, red, small".to_string(); 3];
        let shuffled = task().with_shuffled_tags(texts, 1, tokenizer.clone());
        let found = shuffled.batch(0..40).captions;
        let [one, other] = ["a house, red, small", "a house, small, red"].map(|text| tokenizer.encode(text).ids);
        assert!(found.iter().all(|ids| *ids == one || *ids == other || *ids == [9]));
        assert!(found.contains(&one) && found.contains(&other) && found.contains(&vec![9]));
    }
}
