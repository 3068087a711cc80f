//! What the trainings against PyTorch share with their `make.py`: the tiny model, images and noise by name, and the losses.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use sd_golden::{Kind, TinyModel, noise};
use sd_schedule::{BetaSchedule, NoiseSchedule, Prediction};
use sd_train::tasks::TextToLatents;
use sd_train::{NoisyImages, Objective, Task, Trainer, Weighting};

/// A tiny model, and what it learns.
pub struct Seeded {
    pub networks: TextToLatents,
    pub objective: Objective,
}

impl Seeded {
    /// The model `sd1`.
    pub fn new() -> Self {
        Self::of(Kind::Sd1)
    }

    pub fn of(kind: Kind) -> Self {
        let (device, tiny) = (Device::flex(), TinyModel::new(kind));
        let texts = kind.text().into_iter().map(|(name, text)| tiny.load(name, text.init(&device)));
        let mut texts = texts.collect::<Vec<_>>().into_iter();
        let text = texts.next().expect("a text encoder");
        let networks = TextToLatents::new(text, tiny.load("unet", kind.unet().init(&device)));
        let networks = texts.fold(networks, TextToLatents::with_second);
        let betas = BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap();
        let schedule = NoiseSchedule::from_betas(&betas).unwrap();
        Self { networks, objective: Objective { schedule, prediction: Prediction::Eps, weighting: Weighting::Simple } }
    }

    /// The noisy images of some draws, and the index of each draw's image.
    pub fn noisy(&self, draws: &Range<u64>) -> (NoisyImages, Vec<u64>) {
        let named = |name: String| noise(&name, [1, 4, 8, 8], &Device::flex());
        let images: Vec<u64> = draws.clone().map(|draw| draw % 6).collect();
        let x0 = Tensor::cat(images.iter().map(|image| named(format!("train/image/{image}"))).collect(), 0);
        let eps = Tensor::cat(draws.clone().map(|draw| named(format!("train/noise/{draw}"))).collect(), 0);
        let t = draws.clone().map(|draw| (137 * draw as usize + 41) % 1000).collect();
        (self.objective.add_noise(x0, t, eps), images)
    }

    /// The loss of each draw for what a U-Net predicts, given its input and times.
    pub fn losses(&self, noisy: &NoisyImages, predict: impl FnOnce(Tensor<4>, &[f64]) -> Tensor<4>) -> Tensor<1> {
        let t: Vec<f64> = noisy.t.iter().map(|&t| t as f64).collect();
        self.objective.losses(noisy, predict(noisy.x.clone(), &t))
    }
}

/// Checks that the losses of a training's first steps are these.
pub fn check_losses<M: Module, T: Task<M>>(trainer: &mut Trainer<M>, task: &mut T, expected: &[f64]) {
    for (step, expected) in expected.iter().enumerate() {
        let found = trainer.step(task).unwrap().loss;
        assert!((found - expected).abs() <= 1e-5 * expected, "step {step}: {found} instead of {expected}");
    }
}
