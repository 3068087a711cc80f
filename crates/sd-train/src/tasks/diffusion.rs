use std::ops::Range;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::Tensor;
use sd_clip::ClipText;
use sd_unet::Unet;
use serde_json::Value;

use super::autoencoder::select;
use crate::captions::is_dropped;
use crate::objective::scale_each;
use crate::random::{Purpose, Stream, normals};
use crate::{Objective, Order, Question, Task, Timesteps};

/// The two networks that turn noise and a text into latents.
///
/// To train the U-Net alone, [freeze](Module::freeze) the text encoder.
#[derive(Module, Debug)]
pub struct TextToLatents {
    /// Reads the captions.
    pub text: ClipText,
    /// Predicts what is noise.
    pub unet: Unet,
}

/// How a diffusion model is trained.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct DiffusionConfig {
    /// Seed of the order of the pictures, their timesteps and their noise, and of the dropped captions.
    pub seed: u64,
    /// The share of draws that are shown without their caption, in `[0, 1]`.
    #[config(default = 0.1)]
    pub caption_dropout: f64,
    /// Standard deviation of what is added to the noise of each channel as a whole, so that very dark and very bright
    /// pictures can be drawn (Guttenberg 2023, who takes 0.1); 0 for none.
    #[config(default = 0.0)]
    pub noise_offset: f64,
}

/// Training of a U-Net, and of a text encoder unless it is frozen, to find the noise in latents.
#[derive(Debug, Clone)]
pub struct Diffusion {
    latents: Tensor<4>,
    captions: Vec<Vec<u32>>,
    no_caption: Vec<u32>,
    objective: Objective,
    timesteps: Timesteps,
    order: Order,
    config: DiffusionConfig,
}

/// What one pass through the networks is shown.
#[derive(Debug, Clone)]
pub struct DiffusionBatch {
    question: Question,
    captions: Vec<Vec<u32>>,
    /// What makes up for timesteps that are chosen more often than others.
    factors: Vec<f64>,
}

impl Diffusion {
    /// Trains on these latents, `[pictures, channels, height, width]`, scaled as the U-Net sees them, in the model's
    /// precision.
    ///
    /// `captions` are the token ids of each picture, padded to one length; `no_caption` those of the empty text.
    ///
    /// # Panics
    ///
    /// Panics if there are no latents, or not as many as captions, or if `timesteps` are not as many as the schedule's.
    pub fn new(
        latents: Tensor<4>,
        captions: Vec<Vec<u32>>,
        no_caption: Vec<u32>,
        objective: Objective,
        timesteps: Timesteps,
        config: DiffusionConfig,
    ) -> Self {
        let [pictures, ..] = latents.dims();
        assert_eq!(captions.len(), pictures, "{} captions for {pictures} pictures", captions.len());
        let (chosen, trained) = (timesteps.count(), objective.schedule.len());
        assert_eq!(chosen, trained, "{chosen} timesteps to choose from, but the schedule has {trained}");
        let order = Order::new(pictures, config.seed);
        Self { latents, captions, no_caption, objective, timesteps, order, config }
    }

    /// The noise of some draws.
    fn noise(&self, draws: Range<u64>) -> Tensor<4> {
        let [_, channels, height, width] = self.latents.dims();
        let (device, dtype) = (self.latents.device(), self.latents.dtype());
        let draw = |purpose, shape| normals(self.config.seed, purpose, draws.clone(), shape, &device, dtype);
        let noise = draw(Purpose::Noise, [channels, height, width]);
        match self.config.noise_offset {
            0.0 => noise,
            strength => noise + draw(Purpose::Offset, [channels, 1, 1]) * strength,
        }
    }

    fn caption(&self, draw: u64, picture: usize) -> Vec<u32> {
        let is_dropped = is_dropped(self.config.seed, draw, self.config.caption_dropout);
        if is_dropped { self.no_caption.clone() } else { self.captions[picture].clone() }
    }
}

impl Task<TextToLatents> for Diffusion {
    type Batch = DiffusionBatch;

    fn batch(&self, draws: Range<u64>) -> DiffusionBatch {
        let pictures = self.order.pictures(draws.clone());
        let uniform = |draw| Stream::new(self.config.seed, Purpose::Timestep, draw).uniform();
        let chosen = self.timesteps.choose(&draws.clone().map(uniform).collect::<Vec<_>>());
        let (t, factors) = chosen.into_iter().unzip();
        let captions = draws.clone().zip(&pictures).map(|(draw, picture)| self.caption(draw, *picture)).collect();
        let question = self.objective.ask(select(&self.latents, &pictures), t, self.noise(draws));
        DiffusionBatch { question, captions, factors }
    }

    fn losses(&self, model: &TextToLatents, batch: &DiffusionBatch) -> Tensor<1> {
        let question = &batch.question;
        let text = model.text.forward(&batch.captions).last;
        let t: Vec<f64> = question.t.iter().map(|&t| t as f64).collect();
        let answer = model.unet.forward(question.x.clone(), &t, text, None);
        scale_each(self.objective.losses(question, answer), &batch.factors)
    }

    fn observe(&mut self, batch: &DiffusionBatch, losses: &[f64]) {
        for ((t, factor), loss) in batch.question.t.iter().zip(&batch.factors).zip(losses) {
            self.timesteps.observe(*t, loss / factor);
        }
    }

    fn state(&self) -> Value {
        serde_json::to_value(&self.timesteps).expect("a history is JSON")
    }

    fn restore(&mut self, state: Value) -> Result<(), serde_json::Error> {
        self.timesteps = serde_json::from_value(state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use sd_schedule::{BetaSchedule, NoiseSchedule, Prediction};

    use super::*;
    use crate::Weighting;

    fn task(noise_offset: f64) -> Diffusion {
        let betas = BetaSchedule::ScaledLinear.betas(10, 0.00085, 0.012).unwrap();
        let schedule = NoiseSchedule::from_betas(&betas).unwrap();
        let objective = Objective { schedule, prediction: Prediction::Eps, weighting: Weighting::Simple };
        let captions = (0..3).map(|i| vec![i]).collect();
        let config = DiffusionConfig::new(1).with_noise_offset(noise_offset).with_caption_dropout(0.5);
        let latents = Tensor::ones([3, 2, 2, 2], &Device::flex());
        Diffusion::new(latents, captions, vec![9], objective, Timesteps::Uniform { count: 10 }, config)
    }

    fn batch(draws: Range<u64>) -> (Vec<f32>, Vec<usize>, Vec<Vec<u32>>) {
        let batch = task(0.1).batch(draws);
        (batch.question.x.into_data().try_to_vec().unwrap(), batch.question.t, batch.captions)
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
    fn the_offset_moves_each_channel_of_the_noise_as_a_whole() {
        let offset = (task(0.5).noise(0..2) - task(0.0).noise(0..2)).into_data().try_to_vec::<f32>().unwrap();
        let channels: Vec<&[f32]> = offset.chunks(4).collect();
        assert!(channels.iter().all(|channel| channel.iter().all(|x| (x - channel[0]).abs() < 1e-6)), "{offset:?}");
        assert!(channels.windows(2).all(|pair| (pair[0][0] - pair[1][0]).abs() > 1e-3), "{offset:?}");
    }
}
