use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use sd_device::host_memory;
use sd_train::{Progress, Rate, Trainer, TrainerConfig, initialise};
use sd_weights::{FolderLock, remove_leftovers};
use serde::{Deserialize, Serialize};

use super::network::{Classifier, ClassifierConfig};
use super::task::Recognising;
use crate::EvaluateError;

/// Steps between checkpoints.
const CHECKPOINT_EVERY: u64 = 500;

/// How a classifier is trained; the same settings give the same classifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Seed of the initial weights, the scenes, and the flaws of their images.
    pub seed: u64,
    /// Steps of the optimiser.
    pub steps: u64,
    /// Images in each step.
    pub batch: usize,
    /// The highest learning rate.
    pub rate: f64,
    /// Number of different images, which are repeated if there are more draws.
    pub images: u64,
}

impl TrainingConfig {
    /// The settings for a small classifier, with images that are never repeated.
    pub fn new(steps: u64) -> Self {
        Self { seed: 1, steps, batch: 64, rate: 2e-3, images: u64::MAX }
    }

    /// Trains a classifier on `device`, which need not be an autodiff device, reports every step to `watch`, and
    /// [saves](Classifier::save) the classifier in a folder. Until then, the folder has a checkpoint: if the training is
    /// stopped, the next one with the same settings resumes from it.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Train`] if a step is not finite, [`EvaluateError::Stopped`] if `watch` stops the training,
    /// [`EvaluateError::Request`] for a batch that cannot fit, and errors of files, also if another training uses the
    /// folder.
    ///
    /// # Panics
    ///
    /// Panics if `images` or `batch` is 0.
    pub fn train(
        &self,
        classifier: &ClassifierConfig,
        device: &Device,
        folder: &Path,
        watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Classifier, EvaluateError> {
        self.check(classifier)?;
        let _lock = FolderLock::take(folder, "the training of a classifier").map_err(EvaluateError::io(folder))?;
        remove_leftovers(folder);
        let Self { seed, images, .. } = *self;
        let ClassifierConfig { pixels, style, .. } = *classifier;
        let mut task = Recognising { seed, images, pixels, style, device: device.clone() };
        let checkpoint = folder.join("checkpoint");
        let mut trainer = self.begin(classifier, &mut task, &checkpoint)?;
        while trainer.steps() < self.steps {
            let progress = trainer.step(&mut task)?;
            let (step, is_cancelled) = (trainer.steps(), watch(&progress).is_break());
            if is_cancelled || step == self.steps || step.is_multiple_of(CHECKPOINT_EVERY) {
                trainer.save(&checkpoint, &task)?;
            }
            if is_cancelled && step < self.steps {
                return Err(EvaluateError::Stopped { step });
            }
        }
        let trained = trainer.averaged();
        trained.save(self, folder)?;
        if checkpoint.exists() {
            std::fs::remove_dir_all(&checkpoint).map_err(EvaluateError::io(&checkpoint))?;
        }
        Ok(trained)
    }

    /// Starts the training, or resumes it from a checkpoint with the same settings.
    fn begin(
        &self,
        classifier: &ClassifierConfig,
        task: &mut Recognising,
        checkpoint: &Path,
    ) -> Result<Trainer<Classifier>, EvaluateError> {
        let rate = Rate::new(self.rate, self.steps.div_ceil(20), self.steps);
        let config = TrainerConfig::new(rate, self.batch, 0.99);
        let model = || initialise(classifier.init(&task.device.clone().autodiff()), self.seed);
        let settings = serde_json::json!([self, classifier]);
        let mut fresh = Trainer::new(model(), config);
        fresh.notes = settings.clone();
        if !checkpoint.join("training.json").exists() {
            return Ok(fresh);
        }
        let model = model();
        Ok(Trainer::resume(model, config, checkpoint, task)
            .ok()
            .filter(|known| known.notes == settings)
            .unwrap_or(fresh))
    }

    /// Refuses a batch whose images alone exceed this machine's memory.
    fn check(&self, classifier: &ClassifierConfig) -> Result<(), EvaluateError> {
        let needed = 12.0 * self.batch as f64 * (classifier.pixels as f64).powi(2);
        match host_memory() {
            Some(memory) if needed > memory as f64 => Err(EvaluateError::Request(format!(
                "`batch` {}: its images take {:.0} GB of memory, but this machine has {:.0}",
                self.batch,
                needed / 1e9,
                memory as f64 / 1e9
            ))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sd_scenes::{Split, Style};

    #[test]
    fn sixteen_images_are_learnt_by_heart_and_the_seed_decides_how() {
        let config = TrainingConfig { images: 16, batch: 16, rate: 4e-3, ..TrainingConfig::new(60) };
        let small = ClassifierConfig { pixels: 32, channels: vec![16, 24, 32], features: 64, style: Style::Paint };
        let train = |config: &TrainingConfig| {
            let mut losses = Vec::new();
            let folder = tempfile::tempdir().unwrap();
            let classifier = config.train(&small, &Device::flex(), folder.path(), &mut |progress| {
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
            assert_eq!(classifier.read(&[&sample.image.rgb])[0].scene, scene, "image {index}");
        }

        let few = TrainingConfig { steps: 3, ..config };
        assert_eq!(train(&few).1, train(&few).1);
        assert_ne!(train(&few).1, train(&TrainingConfig { seed: 2, ..few }).1);
    }

    #[test]
    fn a_training_that_was_stopped_goes_on_and_leaves_a_classifier_and_no_checkpoint() {
        let config = TrainingConfig { batch: 1, ..TrainingConfig::new(6) };
        let small = ClassifierConfig { pixels: 16, channels: vec![8], features: 8, style: Style::Paint };
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let train = |config: &TrainingConfig, folder: &Path, stop: u64| {
            let mut steps = 0;
            let trained = config.train(&small, &Device::flex(), folder, &mut |progress| {
                steps += 1;
                if progress.step + 1 == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            (trained.map(drop), steps)
        };
        assert!(matches!(train(&config, folders[0].path(), 4), (Err(EvaluateError::Stopped { step: 4 }), 4)));
        assert!(folders[0].path().join("checkpoint/training.json").is_file());
        assert!(matches!(train(&config, folders[0].path(), 0), (Ok(()), 2)));
        assert!(matches!(train(&config, folders[1].path(), 0), (Ok(()), 6)));
        let weights = |i: usize| std::fs::read(folders[i].path().join("model.safetensors")).unwrap();
        assert_eq!(weights(0), weights(1));
        assert!(!folders[0].path().join("checkpoint").exists());

        // A checkpoint with other settings is ignored.
        train(&config, folders[0].path(), 4).0.unwrap_err();
        assert_eq!(train(&TrainingConfig { seed: 2, ..config }, folders[0].path(), 0).1, 6);
    }

    #[test]
    fn a_batch_that_cannot_fit_is_refused() {
        let config = TrainingConfig { batch: 1 << 40, ..TrainingConfig::new(1) };
        let folder = tempfile::tempdir().unwrap();
        let refused = config
            .train(&ClassifierConfig::default(), &Device::flex(), folder.path(), &mut |_| ControlFlow::Continue(()));
        assert!(refused.unwrap_err().to_string().starts_with("`batch` 1099511627776: "));
    }
}
