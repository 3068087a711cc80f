//! How the classifier is trained.

use std::fs;
use std::ops::Range;
use std::path::Path;

use burn::prelude::*;
use burn::tensor::FloatDType;
use burn::tensor::activation::log_softmax;
use sd_train::{Purpose, Rate, Stream, Task, Trainer, TrainerConfig, initialise};
use sd_weights::{Weights, save};

use crate::Result;
use crate::classifier::{Classifier, tensor};
use crate::digits::{Digits, PIXELS, brightness};

const STEPS: u64 = 1500;
const BATCH: usize = 64;
/// The farthest that a digit is moved, in pixels: the width of the padding.
const FARTHEST: usize = 2;
/// The strongest noise. Without it, the slightest noise of a sample is a feature of its own.
const STRONGEST: f64 = 0.2;

/// Reads a classifier from a folder, or trains it on digits and saves it there.
pub fn trained(digits: &Digits, folder: &Path, device: &Device) -> Result<Classifier> {
    let file = folder.join("model.safetensors");
    if file.exists() {
        return Ok(Weights::in_folder(folder, "model")?.load(Classifier::new(device), FloatDType::F32)?);
    }
    let mut task = Recognising { digits, device: device.clone() };
    let model = initialise(Classifier::new(&device.clone().autodiff()), 1);
    let mut trainer = Trainer::new(model, TrainerConfig::new(Rate::new(2e-3, 100, STEPS), BATCH, 0.99));
    while trainer.steps() < STEPS {
        trainer.step(&mut task)?;
    }
    fs::create_dir_all(folder)?;
    let classifier = trainer.averaged();
    save(&classifier, &file, FloatDType::F32)?;
    Ok(classifier)
}

/// Recognises digits that are moved a little, half of them with noise.
struct Recognising<'a> {
    digits: &'a Digits,
    device: Device,
}

struct Batch {
    /// `[draws, 1, 32, 32]`.
    images: Tensor<4>,
    /// `[draws, 10]`: 1 for the digit.
    right: Tensor<2>,
}

impl Task<Classifier> for Recognising<'_> {
    type Batch = Batch;

    fn batch(&self, draws: Range<u64>) -> Batch {
        let count = draws.clone().count();
        let (mut images, mut right) = (Vec::new(), Vec::new());
        for draw in draws {
            let mut stream = Stream::new(1, Purpose::Noise, draw);
            let index = stream.below(self.digits.images.len());
            let [right_by, down_by] = [(); 2].map(|()| stream.below(2 * FARTHEST + 1));
            let strength = (STRONGEST * (2.0 * stream.uniform() - 1.0)).max(0.0);
            let moved = moved(&brightness(&self.digits.images[index]), [right_by, down_by]);
            images.extend(moved.into_iter().zip(stream.normals()).map(|(x, normal)| x + (strength * normal) as f32));
            right.extend((0..10).map(|digit| f32::from(u8::from(digit == self.digits.labels[index]))));
        }
        let right = Tensor::from_data(TensorData::new(right, [count, 10]), &self.device);
        Batch { images: tensor(images, &self.device), right }
    }

    /// The cross-entropy.
    fn losses(&self, model: &Classifier, batch: &Batch) -> Tensor<1> {
        let logs = log_softmax(model.logits(batch.images.clone()), 1);
        (logs * batch.right.clone()).sum_dim(1).squeeze_dim::<1>(1).neg()
    }
}

/// Moves an image by 0 to 4 pixels from two to the left and two up; what comes in is black.
fn moved(image: &[f32], [right_by, down_by]: [usize; 2]) -> Vec<f32> {
    let from = |at: usize, by: usize| (at + FARTHEST).checked_sub(by).filter(|at| *at < PIXELS);
    let pixel = |y, x| from(y, down_by).zip(from(x, right_by)).map_or(-1.0, |(y, x)| image[y * PIXELS + x]);
    (0..PIXELS.pow(2)).map(|at| pixel(at / PIXELS, at % PIXELS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sd_pipeline::Image;

    #[test]
    fn a_moved_image_has_its_pixels_elsewhere_and_black_at_its_edge() {
        let image: Vec<f32> = (0..PIXELS.pow(2)).map(|at| at as f32).collect();
        assert_eq!(moved(&image, [2, 2]), image);
        let moved = moved(&image, [4, 1]);
        assert_eq!((moved[0], moved[1], moved[2]), (-1.0, -1.0, PIXELS as f32));
        assert_eq!(moved[PIXELS * (PIXELS - 1) + 5], -1.0);
    }

    /// Each of the ten digits has the probability 1/10.
    #[test]
    fn a_classifier_without_weights_has_the_loss_of_guessing() {
        let black = || Image { width: PIXELS, height: PIXELS, rgb: vec![0; 3 * PIXELS.pow(2)] };
        let digits = Digits { images: vec![black(), black()], labels: vec![3, 8] };
        let device = Device::flex();
        let task = Recognising { digits: &digits, device: device.clone() };
        let classifier = Classifier::new(&device).map(&mut Zeros);
        let losses = task.losses(&classifier, &task.batch(0..4)).into_data();
        assert!(losses.iter::<f32>().all(|loss| (loss - 10.0_f32.ln()).abs() < 1e-6));
    }

    struct Zeros;

    impl burn::module::ModuleMapper for Zeros {
        fn map_float<const D: usize>(
            &mut self,
            param: burn::module::Param<Tensor<D>>,
        ) -> burn::module::Param<Tensor<D>> {
            param.map(|tensor| tensor.zeros_like())
        }
    }
}
