use std::ops::Range;
use std::sync::Arc;

use burn::config::Config;
use burn::tensor::Tensor;
use sd_clip::Tokenizer;
use sd_unet::{AddedConditions, Conditions, Unet};
use serde_json::Value;

use super::buckets::Buckets;
use super::caption_source::{CaptionSource, Shuffled};
use super::encoded_captions::EncodedCaptions;
use super::encoded_text::EncodedText;
use super::noising::{Noising, NoisyBatch};
use super::text_to_latents::TextToLatents;
use crate::captions::is_dropped;
use crate::{EdmObjective, Likelihood, Objective, Task, Timesteps};

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
    captions: CaptionSource,
    no_caption: Vec<u32>,
    encoded: Option<EncodedCaptions>,
    /// XL's time ids of each image.
    sizes: Vec<[f64; 6]>,
    prior: Option<Box<Prior>>,
    config: DiffusionConfig,
}

/// Images of the class of a subject, which the model is to draw as before.
#[derive(Debug, Clone)]
struct Prior {
    diffusion: Diffusion,
    weight: f64,
}

/// The input of one pass through the networks.
#[derive(Debug, Clone)]
pub struct DiffusionBatch {
    pub(super) draws: NoisyBatch,
    pub(super) captions: Vec<Vec<u32>>,
    /// As many draws of the prior's images.
    prior: Option<Box<DiffusionBatch>>,
}

impl Diffusion {
    /// Trains on latents, scaled as the U-Net takes them, in the model's precision.
    ///
    /// `captions` are the token ids of each image, padded to one length; `no_caption` are those of the empty text.
    ///
    /// # Shapes
    ///
    /// - latents: `[images, channels, height, width]`, or [`Buckets`] of several sizes
    ///
    /// # Panics
    ///
    /// Panics if there are no latents, if there are not as many captions, or if `timesteps` and the schedule differ in
    /// their number of timesteps.
    pub fn new(
        latents: impl Into<Buckets>,
        captions: Vec<Vec<u32>>,
        no_caption: Vec<u32>,
        objective: Objective,
        timesteps: Timesteps,
        config: DiffusionConfig,
    ) -> Self {
        let latents: Buckets = latents.into();
        let images = latents.len();
        let noising = Noising::new(latents, objective, timesteps, config.seed, config.noise_offset);
        Self::of(noising, images, captions, no_caption, config)
    }

    /// Trains by EDM on latents, scaled as the U-Net takes them, in the model's precision. Their standard deviation is best that of the
    /// process, [`sigma_data`](sd_schedule::Edm::sigma_data).
    ///
    /// # Shapes
    ///
    /// - latents: `[images, channels, height, width]`, or [`Buckets`] of several sizes
    ///
    /// # Panics
    ///
    /// Panics if there are no latents, or not as many captions.
    pub fn edm(
        latents: impl Into<Buckets>,
        captions: Vec<Vec<u32>>,
        no_caption: Vec<u32>,
        objective: EdmObjective,
        config: DiffusionConfig,
    ) -> Self {
        let latents: Buckets = latents.into();
        let images = latents.len();
        let noising = Noising::edm(latents, objective, config.seed, config.noise_offset);
        Self::of(noising, images, captions, no_caption, config)
    }

    fn of(
        noising: Noising,
        images: usize,
        captions: Vec<Vec<u32>>,
        no_caption: Vec<u32>,
        config: DiffusionConfig,
    ) -> Self {
        assert_eq!(captions.len(), images, "{} captions for {images} images", captions.len());
        Self {
            noising,
            captions: CaptionSource::Fixed(captions),
            no_caption,
            encoded: None,
            sizes: Vec::new(),
            prior: None,
            config,
        }
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

    /// Multiplies the errors of each image by a mask, so that the model learns nothing of what is outside.
    ///
    /// # Shapes
    ///
    /// - masks: `[images, 1, height, width]`, from 0 to 1, or [`Buckets`] of the sizes of the latents
    ///
    /// # Panics
    ///
    /// Panics if the shape is not as above.
    #[must_use]
    pub fn with_masks(self, masks: impl Into<Buckets>) -> Self {
        Self { noising: self.noising.with_masks(masks.into()), ..self }
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

    /// Shows each draw its caption with [shuffled tags](crate::shuffled_tags) behind the first `kept` of them. `texts` are the captions
    /// of all images, instead of their token ids; there is a tokenizer for each text encoder.
    ///
    /// # Panics
    ///
    /// Panics if there are not as many captions as images.
    #[must_use]
    pub fn with_shuffled_tags(self, texts: Vec<String>, kept: usize, tokenizers: Vec<Tokenizer>) -> Self {
        assert_eq!(texts.len(), self.images(), "{} captions for {} images", texts.len(), self.images());
        Self { captions: CaptionSource::Shuffled(Arc::new(Shuffled { texts, kept, tokenizers })), ..self }
    }

    /// Shows each draw one of these captions at random instead of that of its image, as the scripts of textual inversion do.
    /// They are token ids of one length.
    ///
    /// # Panics
    ///
    /// Panics if there are none.
    #[must_use]
    pub fn with_templates(self, captions: Vec<Vec<u32>>) -> Self {
        assert!(!captions.is_empty(), "no templates to choose from");
        Self { captions: CaptionSource::Templates(captions), ..self }
    }

    /// Adds to the loss of each draw, times `weight`, that of a draw of `class`: images which the model itself drew of the class of
    /// a subject, so that it does not take the whole class for the subject (Ruiz et al. 2023, DreamBooth, equation 2).
    ///
    /// Give `class` another seed, so that both have noise of their own, and timesteps that are [`Timesteps::Uniform`] in both: the
    /// losses that are [observed](Task::observe) are the sums.
    #[must_use]
    pub fn with_prior(self, class: Self, weight: f64) -> Self {
        Self { prior: Some(Box::new(Prior { diffusion: class, weight })), ..self }
    }

    /// Returns all captions that draws can have, each once, those of a prior included; none if their tags are shuffled.
    pub fn distinct_captions(&self) -> Option<Vec<Vec<u32>>> {
        let mut captions = self.captions.all()?.to_vec();
        captions.push(self.no_caption.clone());
        if let Some(prior) = &self.prior {
            captions.extend(prior.diffusion.distinct_captions()?);
        }
        captions.sort_unstable();
        captions.dedup();
        Some(captions)
    }

    /// Tells Stable Diffusion XL of each image, in pixels: its height and width before it was scaled, the rows above and the columns left
    /// of what was cropped, and its height and width now (Podell et al. 2023, section 2.2).
    ///
    /// # Panics
    ///
    /// Panics if there are not as many as images.
    #[must_use]
    pub fn with_sizes(self, sizes: Vec<[f64; 6]>) -> Self {
        assert_eq!(sizes.len(), self.images(), "{} sizes for {} images", sizes.len(), self.images());
        Self { sizes, ..self }
    }

    /// Takes these encodings of the [captions](Self::distinct_captions), for text encoders that are not trained, instead of computing
    /// them at each draw. Call it last.
    ///
    /// # Panics
    ///
    /// Panics if there is not an encoding for each caption.
    #[must_use]
    pub fn with_encoded_captions(self, captions: &[Vec<u32>], encoded: impl Into<EncodedText>) -> Self {
        self.with_encodings(&EncodedCaptions::new(captions, encoded.into()))
    }

    fn with_encodings(self, encoded: &EncodedCaptions) -> Self {
        let prior = self
            .prior
            .map(|prior| Box::new(Prior { diffusion: prior.diffusion.with_encodings(encoded), weight: prior.weight }));
        Self { encoded: Some(encoded.clone()), prior, ..self }
    }

    /// Returns captions as the U-Net reads them; `encode` is called if they are not encoded yet.
    pub(super) fn encoded(&self, captions: &[Vec<u32>], encode: &dyn Fn(&[Vec<u32>]) -> EncodedText) -> EncodedText {
        self.encoded.as_ref().map_or_else(|| encode(captions), |encoded| encoded.of(captions))
    }

    /// Number of images.
    pub(super) fn images(&self) -> usize {
        self.noising.images()
    }

    /// The loss of each draw, `[draws]`; `encode` encodes captions that are not encoded yet as the U-Net reads them.
    pub(super) fn losses_by(
        &self,
        unet: &Unet,
        DiffusionBatch { draws, captions, prior }: &DiffusionBatch,
        encode: &dyn Fn(&[Vec<u32>]) -> EncodedText,
    ) -> Tensor<1> {
        let text = self.conditions(&draws.images, self.encoded(captions, encode));
        let predicted = self.noising.predict(draws, |input| unet.forward(input, &draws.times, &text));
        let own = self.losses_of(draws, predicted);
        match (&self.prior, prior) {
            (Some(prior), Some(batch)) => own + prior.diffusion.losses_by(unet, batch, encode) * prior.weight,
            _ => own,
        }
    }

    /// What the U-Net reads of the captions of some images, and for XL of these images.
    fn conditions(&self, images: &[usize], EncodedText { states, pooled }: EncodedText) -> Conditions {
        let text = Conditions::new(states);
        let Some(text_embeds) = pooled else { return text };
        let time_ids = images.iter().map(|image| self.sizes[*image].to_vec()).collect();
        text.with_added(AddedConditions { text_embeds, time_ids })
    }

    /// The loss of each draw for what a network predicts: `[draws]`.
    pub(super) fn losses_of(&self, draws: &NoisyBatch, predicted: Tensor<4>) -> Tensor<1> {
        self.noising.losses(draws, predicted)
    }

    fn caption(&self, draw: u64, image: usize) -> Vec<u32> {
        if is_dropped(self.config.seed, draw, self.config.caption_dropout) {
            return self.no_caption.clone();
        }
        self.captions.caption(self.config.seed, draw, image)
    }
}

impl Task<TextToLatents> for Diffusion {
    type Batch = DiffusionBatch;

    fn batch(&self, draws: Range<u64>) -> DiffusionBatch {
        let batch = self.noising.batch(draws.clone());
        let captions = draws.clone().zip(&batch.images).map(|(draw, image)| self.caption(draw, *image)).collect();
        let prior = self.prior.as_ref().map(|prior| Box::new(prior.diffusion.batch(draws)));
        DiffusionBatch { draws: batch, captions, prior }
    }

    fn losses(&self, model: &TextToLatents, batch: &DiffusionBatch) -> Tensor<1> {
        self.losses_by(&model.unet, batch, &|captions| model.encode(captions))
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

    fn objective() -> Objective {
        let betas = BetaSchedule::ScaledLinear.betas(10, 0.00085, 0.012).unwrap();
        let schedule = NoiseSchedule::from_betas(&betas).unwrap();
        Objective { schedule, prediction: Prediction::Eps, weighting: Weighting::Simple }
    }

    fn task() -> Diffusion {
        let captions = (0..3).map(|i| vec![i]).collect();
        let config = DiffusionConfig::new(1).with_noise_offset(0.1).with_caption_dropout(0.5);
        let latents = Tensor::ones([3, 2, 2, 2], &Device::flex());
        Diffusion::new(latents, captions, vec![9], objective(), Timesteps::Uniform { count: 10 }, config)
    }

    fn batch(draws: Range<u64>) -> (Vec<f32>, Vec<f64>, Vec<Vec<u32>>) {
        let DiffusionBatch { draws, captions, .. } = task().batch(draws);
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
    fn each_draw_has_the_mask_of_its_image() {
        let shares = [1.0, 0.0, 0.25];
        let masks = shares.map(|share| Tensor::<4>::ones([1, 1, 2, 2], &Device::flex()) * share);
        let (plain, masked) = (task(), task().with_masks(Tensor::cat(masks.to_vec(), 0)));
        let draws = plain.batch(0..9).draws;
        let losses = |task: &Diffusion| -> Vec<f32> {
            task.losses_of(&draws, draws.x.zeros_like()).into_data().try_to_vec().unwrap()
        };
        for ((found, whole), image) in losses(&masked).iter().zip(losses(&plain)).zip(&draws.images) {
            assert!((found - shares[*image] * whole).abs() < 1e-6, "{found} {whole} {image}");
        }
    }

    #[test]
    fn a_pass_has_latents_masks_and_captions_of_one_size() {
        let full =
            |images, height: usize, value: f64| Tensor::<4>::ones([images, 2, height, 2], &Device::flex()) * value;
        let objective = objective();
        let latents = Buckets::new(vec![full(3, 2, 1.0), full(2, 4, 1.0)], 2);
        let masks = Buckets::new(vec![full(3, 2, 1.0).narrow(1, 0, 1), full(2, 4, 0.5).narrow(1, 0, 1)], 2);
        let (captions, timesteps) = ((0..5).map(|i| vec![i]).collect(), Timesteps::Uniform { count: 10 });
        let config = DiffusionConfig::new(1).with_caption_dropout(0.0);
        let task = Diffusion::new(latents, captions, vec![9], objective, timesteps, config).with_masks(masks);
        let mut heights = Vec::new();
        for pass in 0..6 {
            let batch = Task::<TextToLatents>::batch(&task, 2 * pass..2 * pass + 2);
            let [_, _, height, _] = batch.draws.x.dims();
            heights.push(height);
            let ids: Vec<u32> = batch.captions.concat();
            assert!(ids.iter().all(|id| (*id < 3) == (height == 2)), "{ids:?} {height}");
            assert_eq!(ids, batch.draws.images.iter().map(|image| *image as u32).collect::<Vec<_>>());
            // The loss of a wrong prediction, half of which counts in the second bucket.
            let wrong = batch.draws.target.clone() + 1.0;
            let losses: Vec<f64> = task.losses_of(&batch.draws, wrong).into_data().iter().collect();
            assert!(losses.iter().all(|loss| (loss - if height == 2 { 1.0 } else { 0.5 }).abs() < 1e-6), "{losses:?}");
        }
        assert_eq!(heights.iter().filter(|height| **height == 4).count(), 2);
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
    fn a_draw_shows_one_of_the_templates_whatever_its_image() {
        let with_templates = task().with_templates(vec![vec![5], vec![6], vec![7]]);
        let captions = with_templates.batch(0..300).captions;
        for (template, expected) in [(5, 50.0), (6, 50.0), (7, 50.0), (9, 150.0)] {
            let found = captions.iter().filter(|ids| **ids == [template]).count() as f64;
            // Within five standard errors.
            let share = expected / 300.0;
            assert!((found - expected).abs() < 5.0 * (300.0 * share * (1.0 - share)).sqrt(), "{template}: {found}");
        }
    }

    #[test]
    fn shuffled_tags_are_read_as_the_text_that_they_make() {
        let tokenizer = Tokenizer::clip(Padding::End);
        let texts = vec!["a house, red, small".to_string(); 3];
        let shuffled = task().with_shuffled_tags(texts, 1, vec![tokenizer.clone()]);
        let found = shuffled.batch(0..40).captions;
        let [one, other] = ["a house, red, small", "a house, small, red"].map(|text| tokenizer.encode(text).ids);
        assert!(found.iter().all(|ids| *ids == one || *ids == other || *ids == [9]));
        assert!(found.contains(&one) && found.contains(&other) && found.contains(&vec![9]));
    }
}
