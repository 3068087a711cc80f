use std::ops::Range;

use burn::config::Config;
use burn::tensor::Tensor;
use sd_unet::Conditions;

use super::autoencoder::select;
use super::text_to_latents::TextToLatents;
use crate::random::{Purpose, Stream, normals};
use crate::{Consistency, Objective, Order, Task};

/// How a student is distilled.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct DistillationConfig {
    /// Seed of the order of the images, of their levels, noise and guidance.
    pub seed: u64,
    /// The lowest and the highest guidance scale that the student learns.
    pub guidance: [f64; 2],
}

/// Distils a model that draws in many steps, with two predictions each, into one that draws in a few, with one each: latent
/// consistency distillation (Luo et al. 2023, algorithm 1). The student is told the guidance scale, one for each pass.
///
/// Its goals come from a step of the teacher and from the average of the student's own weights.
#[derive(Debug, Clone)]
pub struct Distillation {
    latents: Tensor<4>,
    captions: Vec<Vec<u32>>,
    no_caption: Vec<u32>,
    order: Order,
    objective: Objective,
    consistency: Consistency,
    config: DistillationConfig,
    teacher: TextToLatents,
    average: Option<TextToLatents>,
}

/// The input of one pass through the networks.
#[derive(Debug, Clone)]
pub struct DistillationBatch {
    /// `[draws, channels, height, width]`.
    x: Tensor<4>,
    levels: Vec<usize>,
    /// The guidance scale of all draws.
    guidance: f64,
    captions: Vec<Vec<u32>>,
}

impl Distillation {
    /// Distils on latents, scaled as the U-Net takes them, and the token ids of their captions, padded to one length.
    /// `no_caption` are those of the empty text.
    ///
    /// Give the teacher without autodiff, so that no gradients of its weights are computed. It has the text encoder of the student.
    ///
    /// # Shapes
    ///
    /// - latents: `[images, channels, height, width]`
    ///
    /// # Panics
    ///
    /// Panics if there are no latents, or not as many captions.
    pub fn new(
        latents: Tensor<4>,
        (captions, no_caption): (Vec<Vec<u32>>, Vec<u32>),
        (objective, consistency): (Objective, Consistency),
        teacher: TextToLatents,
        config: DistillationConfig,
    ) -> Self {
        let [images, ..] = latents.dims();
        assert_eq!(captions.len(), images, "{} captions for {images} images", captions.len());
        let order = Order::new(images, config.seed);
        Self { latents, captions, no_caption, order, objective, consistency, config, teacher, average: None }
    }

    fn t(&self, levels: &[usize]) -> Vec<usize> {
        levels.iter().map(|level| self.consistency.t(*level)).collect()
    }

    /// The clean images that the teacher predicts with guidance (Ho & Salimans 2022, equation 6).
    fn taught(&self, x: Tensor<4>, levels: &[usize], guidance: f64, text: &Tensor<3>) -> Tensor<4> {
        let (t, draws) = (self.t(levels), levels.len());
        let nothing = self.teacher.text.forward(std::slice::from_ref(&self.no_caption)).last.repeat_dim(0, draws);
        let (both, texts) = (Tensor::cat(vec![x.clone(); 2], 0), Tensor::cat(vec![text.clone(), nothing], 0));
        let times: Vec<f64> = t.iter().chain(&t).map(|&t| t as f64).collect();
        let predicted = self.teacher.unet.forward(both, &times, &texts.into());
        let [with, without] = [0, draws].map(|first| predicted.clone().narrow(0, first, draws));
        self.objective.denoised(x, &t, without.clone() + (with - without) * guidance)
    }

    /// The clean images that a student predicts.
    fn predicted(
        &self,
        student: &TextToLatents,
        x: Tensor<4>,
        levels: &[usize],
        guidance: f64,
        text: &Tensor<3>,
    ) -> Tensor<4> {
        let t = self.t(levels);
        let times: Vec<f64> = t.iter().map(|&t| t as f64).collect();
        let conditions = Conditions::new(text.clone()).with_guidance(guidance);
        let predicted = student.unet.forward(x.clone(), &times, &conditions);
        self.objective.denoised(x, &t, predicted)
    }
}

impl Task<TextToLatents> for Distillation {
    type Batch = DistillationBatch;

    fn batch(&self, draws: Range<u64>) -> DistillationBatch {
        let images = self.order.images(draws.clone());
        let stream = |purpose, draw| Stream::new(self.config.seed, purpose, draw);
        let level = |draw| 1 + stream(Purpose::Timestep, draw).below(self.consistency.steps());
        let [lowest, highest] = self.config.guidance;
        let guidance = lowest + (highest - lowest) * stream(Purpose::Guidance, draws.start).uniform();
        let levels: Vec<usize> = draws.clone().map(level).collect();
        let captions = images.iter().map(|image| self.captions[*image].clone()).collect();

        let [_, channels, height, width] = self.latents.dims();
        let (device, dtype) = (self.latents.device(), self.latents.dtype());
        let eps = normals(self.config.seed, Purpose::Noise, draws, [channels, height, width], &device, dtype);
        let x = self.objective.add_noise(select(&self.latents, &images), self.t(&levels), eps).x;
        DistillationBatch { x, levels, guidance, captions }
    }

    fn follow(&mut self, averaged: impl FnOnce() -> TextToLatents) {
        self.average = Some(averaged());
    }

    fn losses(&self, model: &TextToLatents, batch: &DistillationBatch) -> Tensor<1> {
        let DistillationBatch { x, levels, guidance, captions } = batch;
        let guidance = *guidance;
        let average = self.average.as_ref().expect("a trainer gives the average before a step");
        let text = self.teacher.text.forward(captions).last;
        let goal = self.consistency.goal(
            x.clone(),
            levels,
            |x, levels| self.taught(x, levels, guidance, &text),
            |x, levels| self.predicted(average, x, levels, guidance, &text),
        );
        self.consistency.losses(self.predicted(model, x.clone(), levels, guidance, &text), goal)
    }
}
