use std::ops::Range;

use burn::prelude::*;
use burn::tensor::activation::log_softmax;
use sd_scenes::{Scene, Split};
use sd_train::Task;

use super::augment::spoil;
use super::network::Classifier;
use super::question::{QUESTIONS, answers};
use super::read::{planes, tensor};

/// Training of a classifier on scenes that are drawn as they are needed, and spoilt a little.
#[derive(Debug, Clone)]
pub(crate) struct Recognising {
    pub seed: u64,
    /// How many different images there are; then they come again, spoilt otherwise.
    pub images: u64,
    pub pixels: usize,
    pub device: Device,
}

/// Images and the right answers about them.
pub(crate) struct Shown {
    /// `[draws, 3, pixels, pixels]`.
    images: Tensor<4>,
    /// `[draws, answers]`: 1 for the right answer of each question, and only 0 where there is none.
    right: Tensor<2>,
}

impl Task<Classifier> for Recognising {
    type Batch = Shown;

    fn batch(&self, draws: Range<u64>) -> Shown {
        let count = draws.clone().count();
        let (mut images, mut right) = (Vec::new(), Vec::new());
        for draw in draws {
            let sample = Split::Train.sample(draw % self.images, self.seed, self.pixels);
            let mut planes = planes(&sample.image.rgb, self.pixels);
            spoil(&mut planes, self.pixels, self.seed, draw);
            images.extend(planes);
            right.extend(right_answers(&sample.scene));
        }
        Shown {
            images: tensor(images, [count, 3, self.pixels, self.pixels], &self.device),
            right: tensor(right, [count, answers()], &self.device),
        }
    }

    /// The cross-entropies of all questions that have an answer, summed.
    fn losses(&self, model: &Classifier, batch: &Shown) -> Tensor<1> {
        let logits = model.answers(model.features(batch.images.clone()));
        let choices = QUESTIONS.map(|question| question.choices()).to_vec();
        let logits = logits.split_with_sizes(choices, 1);
        let logs = Tensor::cat(logits.into_iter().map(|logits| log_softmax(logits, 1)).collect(), 1);
        (logs * batch.right.clone()).sum_dim(1).squeeze_dim::<1>(1).neg()
    }
}

fn right_answers(scene: &Scene) -> Vec<f32> {
    let mut right = Vec::with_capacity(answers());
    for question in QUESTIONS {
        let answer = question.answer(scene);
        right.extend((0..question.choices()).map(|choice| f32::from(u8::from(Some(choice) == answer))));
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassifierConfig;

    #[test]
    fn one_answer_is_right_where_there_is_an_object_and_none_where_there_is_not() {
        let scene = Scene::random(0);
        let count = 3 + 3 + scene.objects.iter().map(|o| 2 + usize::from(o.colour.is_some())).sum::<usize>();
        assert_eq!(right_answers(&scene).iter().sum::<f32>(), count as f32);
    }

    /// Each answer of a question with n choices has the chance 1/n, so that the loss is the sum of ln n.
    #[test]
    fn a_classifier_without_weights_has_the_loss_of_guessing() {
        let device = Device::flex();
        let task = Recognising { seed: 1, images: 4, pixels: 64, device: device.clone() };
        let classifier = ClassifierConfig::default().init(&device).map(&mut Zeros);
        let batch = task.batch(0..4);
        let losses: Vec<f32> = task.losses(&classifier, &batch).into_data().iter::<f32>().collect();
        for (draw, loss) in losses.into_iter().enumerate() {
            let scene = Split::Train.sample(draw as u64, 1, 64).scene;
            let asked = QUESTIONS.iter().filter(|question| question.answer(&scene).is_some());
            let guessing: f64 = asked.map(|question| (question.choices() as f64).ln()).sum();
            assert!((f64::from(loss) - guessing).abs() < 1e-4, "{loss} {guessing}");
        }
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
