use std::ops::Range;

use burn::tensor::Tensor;
use serde_json::Value;

use super::buckets::{Buckets, Shown};
use crate::objective::{per_image, scale_each};
use crate::random::{Purpose, Stream, normals};
use crate::{EdmObjective, Likelihood, NoisyImages, Objective, Timesteps};

/// Share of the draws whose network reads its own prediction (Chen et al. 2022, section 3.3).
const SHOWN: f64 = 0.5;

/// Images or latents in a seeded random order, with new noise and a new level at each draw.
#[derive(Debug, Clone)]
pub(crate) struct Noising {
    images: Buckets,
    method: Method,
    order: Shown,
    /// How much each value counts, `[images, 1, height, width]`.
    masks: Option<Buckets>,
    seed: u64,
    noise_offset: f64,
    /// Whether the network also reads its own prediction.
    self_conditioning: bool,
}

/// How levels are chosen, and what is learnt.
#[derive(Debug, Clone)]
enum Method {
    /// At timesteps; with a likelihood if the network also learns the variance.
    Timesteps { objective: Objective, timesteps: Timesteps, likelihood: Option<Likelihood> },
    /// At any level.
    Edm(EdmObjective),
}

/// The noisy images of some draws, and how much the loss of each counts.
#[derive(Debug, Clone)]
pub(crate) struct NoisyBatch {
    /// The network's input, `[draws, channels, height, width]`.
    pub x: Tensor<4>,
    /// Its time for each draw.
    pub times: Vec<f64>,
    /// The index of the image of each draw.
    pub images: Vec<usize>,
    /// The right output.
    pub(super) target: Tensor<4>,
    /// The timesteps, if there are any.
    t: Vec<usize>,
    /// The levels, if there are no timesteps.
    sigmas: Vec<f64>,
    /// 1 for each draw whose network reads its own prediction, else 0.
    shown: Vec<f64>,
    /// Loss factors that make up for timesteps that are chosen more often than others.
    factors: Vec<f64>,
}

impl Noising {
    /// # Panics
    ///
    /// Panics if there are no images, or if `timesteps` and the schedule differ in their number of timesteps.
    pub fn new(images: Buckets, objective: Objective, timesteps: Timesteps, seed: u64, noise_offset: f64) -> Self {
        let (chosen, trained) = (timesteps.count(), objective.schedule.len());
        assert_eq!(chosen, trained, "{chosen} timesteps to choose from, but the schedule has {trained}");
        Self::by(images, Method::Timesteps { objective, timesteps, likelihood: None }, seed, noise_offset)
    }

    /// # Panics
    ///
    /// Panics if there are no images.
    pub fn edm(images: Buckets, objective: EdmObjective, seed: u64, noise_offset: f64) -> Self {
        Self::by(images, Method::Edm(objective), seed, noise_offset)
    }

    fn by(images: Buckets, method: Method, seed: u64, noise_offset: f64) -> Self {
        let order = images.order(&[], seed);
        Self { images, method, order, masks: None, seed, noise_offset, self_conditioning: false }
    }

    /// Trains a network that also reads the clean images that it last predicted.
    pub fn with_self_conditioning(self) -> Self {
        Self { self_conditioning: true, ..self }
    }

    /// Trains a network that also learns the variance of DDPM's steps.
    ///
    /// # Panics
    ///
    /// Panics for EDM, which has no such steps.
    pub fn with_learned_variance(mut self, learned: Likelihood) -> Self {
        match &mut self.method {
            Method::Timesteps { likelihood, .. } => *likelihood = Some(learned),
            Method::Edm(_) => panic!("a variance is learnt at timesteps, which EDM has not"),
        }
        self
    }

    /// Shows each image as many times in an epoch as `counts` says.
    ///
    /// # Panics
    ///
    /// Panics if there is not a count above 0 for each image.
    pub fn with_repeats(self, counts: &[usize]) -> Self {
        assert!(counts.len() == self.images() && !counts.contains(&0), "a count above 0 for each image");
        Self { order: self.images.order(counts, self.seed), ..self }
    }

    /// Multiplies the errors of each image by a mask.
    ///
    /// # Panics
    ///
    /// Panics if there is not a mask of its size for each image.
    pub fn with_masks(self, masks: Buckets) -> Self {
        assert!(masks.has_sizes_of(&self.images), "masks and images differ in shape");
        Self { masks: Some(masks), ..self }
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.images.len()
    }

    /// Mixes the images of some draws with noise.
    pub fn batch(&self, draws: Range<u64>) -> NoisyBatch {
        let images = self.order.images(draws.clone());
        let (x0, stream) = (self.images.select(&images), |draw| Stream::new(self.seed, Purpose::Timestep, draw));
        let is_shown = |draw| Stream::new(self.seed, Purpose::SelfConditioning, draw).uniform() < SHOWN;
        let shown = match self.self_conditioning {
            true => draws.clone().map(|draw| f64::from(u8::from(is_shown(draw)))).collect(),
            false => Vec::new(),
        };
        match &self.method {
            Method::Timesteps { objective, timesteps, .. } => {
                let chosen = timesteps.choose(&draws.clone().map(|draw| stream(draw).uniform()).collect::<Vec<_>>());
                let (t, factors) = chosen.into_iter().unzip();
                let noise = self.noise(draws, &x0);
                let NoisyImages { x, target, t } = objective.add_noise(x0, t, noise);
                let times = t.iter().map(|&t| t as f64).collect();
                NoisyBatch { x, times, images, target, t, sigmas: Vec::new(), shown, factors }
            }
            Method::Edm(objective) => {
                let normal = |draw| stream(draw).normals().next().expect("a stream has no end");
                let sigmas: Vec<f64> = draws.clone().map(|draw| objective.sigma(normal(draw))).collect();
                let noise = self.noise(draws, &x0);
                let (x, target) = objective.add_noise(x0, &sigmas, noise);
                let times = sigmas.iter().map(|sigma| objective.process.time(*sigma)).collect();
                NoisyBatch { x, times, images, target, t: Vec::new(), sigmas, shown, factors: Vec::new() }
            }
        }
    }

    /// The noise of some draws, of the shape of their images.
    fn noise(&self, draws: Range<u64>, x0: &Tensor<4>) -> Tensor<4> {
        let [_, channels, height, width] = x0.dims();
        let (device, dtype) = (self.images.device(), x0.dtype());
        let draw = |purpose, shape| normals(self.seed, purpose, draws.clone(), shape, &device, dtype);
        let noise = draw(Purpose::Noise, [channels, height, width]);
        match self.noise_offset {
            0.0 => noise,
            strength => noise + draw(Purpose::Offset, [channels, 1, 1]) * strength,
        }
    }

    /// What the network predicts for a batch, by `call` with its input `[draws, in_channels, height, width]`. One that reads its own
    /// prediction first sees zeros in its place; for half of the draws it is then called again, with what it predicted, through which
    /// no gradients pass (Chen et al. 2022, algorithm 1).
    pub fn predict(&self, batch: &NoisyBatch, call: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        let x = &batch.x;
        if !self.self_conditioning {
            return call(x.clone());
        }
        let first = call(Tensor::cat(vec![x.clone(), x.zeros_like()], 1));
        if !batch.shown.contains(&1.0) {
            return first;
        }
        let predicted = first.inner().narrow(1, 0, x.dims()[1]);
        let seen = match &self.method {
            Method::Timesteps { objective, .. } => objective.denoised(x.clone(), &batch.t, predicted),
            Method::Edm(objective) => objective.denoised(x.clone(), &batch.sigmas, predicted),
        };
        call(Tensor::cat(vec![x.clone(), seen * per_image(&batch.shown, x)], 1))
    }

    /// The loss of each draw: `[draws]`.
    pub fn losses(&self, batch: &NoisyBatch, predicted: Tensor<4>) -> Tensor<1> {
        let NoisyBatch { x, target, t, factors, .. } = batch;
        let masks = self.masks.as_ref().map(|masks| masks.select(&batch.images));
        match &self.method {
            Method::Timesteps { objective, likelihood, .. } => {
                let noisy = NoisyImages { x: x.clone(), target: target.clone(), t: t.clone() };
                let losses = match (likelihood, masks) {
                    (None, None) => objective.losses(&noisy, predicted),
                    (None, Some(masks)) => objective.losses_in(masks, &noisy, predicted),
                    (Some(likelihood), None) => objective.hybrid_losses(&noisy, predicted, *likelihood),
                    (Some(_), Some(_)) => panic!("masks, and a learned variance, whose bound is of the whole image"),
                };
                scale_each(losses, factors)
            }
            Method::Edm(objective) => match masks.map(Tensor::sqrt) {
                Some(root) => objective.losses(target.clone() * root.clone(), predicted * root),
                None => objective.losses(target.clone(), predicted),
            },
        }
    }

    /// Records the losses, by which [`Timesteps`] may choose.
    pub fn observe(&mut self, batch: &NoisyBatch, losses: &[f64]) {
        let Method::Timesteps { timesteps, .. } = &mut self.method else { return };
        for ((t, factor), loss) in batch.t.iter().zip(&batch.factors).zip(losses) {
            timesteps.observe(*t, loss / factor);
        }
    }

    /// The observed losses, for a checkpoint.
    pub fn state(&self) -> Value {
        match &self.method {
            Method::Timesteps { timesteps, .. } => serde_json::to_value(timesteps).expect("a history is JSON"),
            Method::Edm(_) => Value::Null,
        }
    }

    /// Restores what [`state`](Self::state) returned.
    pub fn restore(&mut self, state: Value) -> Result<(), serde_json::Error> {
        match &mut self.method {
            Method::Timesteps { timesteps, .. } => *timesteps = serde_json::from_value(state)?,
            Method::Edm(_) => serde_json::from_value::<()>(state)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use sd_schedule::{BetaSchedule, NoiseSchedule, Prediction};

    use super::*;
    use crate::Weighting;

    /// A network whose prediction is the image itself, all 0.25: half of the draws see it in the second call.
    #[test]
    fn half_of_the_draws_see_what_was_predicted_for_them() {
        let betas = BetaSchedule::ScaledLinear.betas(10, 0.00085, 0.012).unwrap();
        let schedule = NoiseSchedule::from_betas(&betas).unwrap();
        let objective = Objective { schedule, prediction: Prediction::X0, weighting: Weighting::Simple };
        let (images, timesteps) = (Tensor::ones([3, 2, 2, 2], &Device::flex()), Timesteps::Uniform { count: 10 });
        let noising = Noising::new(Buckets::from(images), objective, timesteps, 1, 0.0).with_self_conditioning();
        let batch = noising.batch(0..400);
        let calls = std::cell::RefCell::new(Vec::new());
        noising.predict(&batch, |input| {
            assert_eq!(input.dims(), [400, 4, 2, 2]);
            let seen = input.clone().narrow(1, 2, 2).mean_dims(&[1, 2, 3]).into_data().try_to_vec::<f32>().unwrap();
            calls.borrow_mut().push(seen);
            input.narrow(1, 0, 2) * 0.0 + 0.25
        });
        let calls = calls.into_inner();
        assert!(calls.len() == 2 && calls[0].iter().all(|seen| *seen == 0.0));
        assert!(calls[1].iter().all(|seen| *seen == 0.0 || *seen == 0.25));
        let shown = calls[1].iter().filter(|seen| **seen > 0.0).count();
        // Four standard deviations are 40.
        assert!(shown.abs_diff(200) < 40, "{shown}");
        // A draw is the same in another batch.
        assert_eq!(noising.batch(7..9).shown, batch.shown[7..9]);
    }

    #[test]
    fn the_offset_moves_each_channel_of_the_noise_as_a_whole() {
        let betas = BetaSchedule::ScaledLinear.betas(10, 0.00085, 0.012).unwrap();
        let schedule = NoiseSchedule::from_betas(&betas).unwrap();
        let objective = Objective { schedule, prediction: Prediction::Eps, weighting: Weighting::Simple };
        let noise = |offset| {
            let (images, timesteps) =
                (Tensor::<4>::ones([3, 2, 2, 2], &Device::flex()), Timesteps::Uniform { count: 10 });
            let noising = Noising::new(images.clone().into(), objective.clone(), timesteps, 1, offset);
            noising.noise(0..2, &images.narrow(0, 0, 2))
        };
        let offset = (noise(0.5) - noise(0.0)).into_data().try_to_vec::<f32>().unwrap();
        let channels: Vec<&[f32]> = offset.chunks(4).collect();
        assert!(channels.iter().all(|channel| channel.iter().all(|x| (x - channel[0]).abs() < 1e-6)), "{offset:?}");
        assert!(channels.windows(2).all(|pair| (pair[0][0] - pair[1][0]).abs() > 1e-3), "{offset:?}");
    }
}
