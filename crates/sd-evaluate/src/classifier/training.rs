use std::ops::ControlFlow;

use burn::tensor::Device;
use sd_train::{Progress, Rate, Trainer, TrainerConfig, initialise};
use serde::{Deserialize, Serialize};

use super::network::{Classifier, ClassifierConfig};
use super::task::Recognising;
use crate::EvaluateError;

/// How a classifier is trained; the same numbers give the same classifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Seed of the first weights, of the scenes and of what is done to their pictures.
    pub seed: u64,
    /// Steps of the optimiser.
    pub steps: u64,
    /// Pictures in each step.
    pub batch: usize,
    /// The highest learning rate.
    pub rate: f64,
    /// Different pictures; each of them is drawn anew where there are more draws.
    pub pictures: u64,
}

impl TrainingConfig {
    /// What takes a small classifier to its end: pictures that never come again.
    pub fn new(steps: u64) -> Self {
        Self { seed: 1, steps, batch: 64, rate: 2e-3, pictures: u64::MAX }
    }

    /// Trains a classifier on `device`, which needs no autodiff of its own, and shows `watch` every step.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Train`] where a step is not finite, and [`EvaluateError::Cancelled`].
    ///
    /// # Panics
    ///
    /// Panics if there are no pictures or no batch.
    pub fn train(
        &self,
        classifier: &ClassifierConfig,
        device: &Device,
        watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Classifier, EvaluateError> {
        let Self { seed, pictures, .. } = *self;
        let mut task = Recognising { seed, pictures, pixels: classifier.pixels, device: device.clone() };
        let rate = Rate::new(self.rate, self.steps.div_ceil(20), self.steps);
        let config = TrainerConfig::new(rate, self.batch).with_ema_decay(0.99);
        let mut trainer = Trainer::new(initialise(classifier.init(&device.clone().autodiff()), seed), config);
        while trainer.steps() < self.steps {
            let progress = trainer.step(&mut task)?;
            if watch(&progress).is_break() {
                return Err(EvaluateError::Cancelled);
            }
        }
        Ok(trainer.averaged())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sd_scenes::Split;

    #[test]
    fn sixteen_pictures_are_learnt_by_heart_and_the_seed_decides_how() {
        let config = TrainingConfig { pictures: 16, batch: 16, rate: 4e-3, ..TrainingConfig::new(60) };
        let small = ClassifierConfig { pixels: 32, channels: vec![16, 24, 32], features: 64 };
        let train = |config: &TrainingConfig| {
            let mut losses = Vec::new();
            let classifier = config.train(&small, &Device::flex(), &mut |progress| {
                losses.push(progress.loss);
                ControlFlow::Continue(())
            });
            (classifier.unwrap(), losses)
        };
        let (classifier, losses) = train(&config);
        assert!(losses[0] > 15.0 && losses[59] < 1.0, "{} to {}", losses[0], losses[59]);

        for index in 0..16 {
            let sample = Split::Train.sample(index, config.seed, 32);
            let mut scene = sample.scene;
            scene.objects.sort_by_key(|object| object.side);
            assert_eq!(classifier.read(&[&sample.picture.rgb])[0].scene, scene, "picture {index}");
        }

        let few = TrainingConfig { steps: 3, ..config };
        assert_eq!(train(&few).1, train(&few).1);
        assert_ne!(train(&few).1, train(&TrainingConfig { seed: 2, ..few }).1);
    }

    #[test]
    fn a_training_can_be_cancelled() {
        let config = TrainingConfig { batch: 1, ..TrainingConfig::new(9) };
        let small = ClassifierConfig { pixels: 16, channels: vec![8], features: 8 };
        let cancelled = config.train(&small, &Device::flex(), &mut |_| ControlFlow::Break(()));
        assert!(matches!(cancelled, Err(EvaluateError::Cancelled)));
    }
}
