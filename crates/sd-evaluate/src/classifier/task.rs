use std::ops::Range;

use burn::prelude::*;
use burn::tensor::activation::log_softmax;
use sd_image::planes;
use sd_scenes::{Scene, Split, Style};
use sd_train::Task;

use super::augment::spoil;
use super::head::{HEADS, logit_count};
use super::network::Classifier;
use super::read::tensor;

/// Trains a classifier on scenes that are drawn when they are needed, with small flaws.
#[derive(Debug, Clone)]
pub(crate) struct Recognising {
    pub seed: u64,
    /// Number of different images, which are then repeated with other flaws.
    pub images: u64,
    pub pixels: usize,
    pub style: Style,
    pub device: Device,
}

/// Images and the right choices for them.
pub(crate) struct Batch {
    /// `[draws, 3, pixels, pixels]`.
    images: Tensor<4>,
    /// `[draws, logits]`: 1 for the right choice of each head, and all 0 if it has none.
    right: Tensor<2>,
}

impl Task<Classifier> for Recognising {
    type Batch = Batch;

    fn batch(&self, draws: Range<u64>) -> Batch {
        let count = draws.clone().count();
        let (mut images, mut right) = (Vec::new(), Vec::new());
        for draw in draws {
            let sample = Split::Train.sample(draw % self.images, self.seed, self.pixels).in_style(self.style);
            let mut planes: Vec<f32> = planes(&sample.image.rgb).collect();
            spoil(&mut planes, self.pixels, self.seed, draw);
            images.extend(planes);
            right.extend(right_choices(&sample.scene));
        }
        Batch {
            images: tensor(images, [count, 3, self.pixels, self.pixels], &self.device),
            right: tensor(right, [count, logit_count()], &self.device),
        }
    }

    /// Sums the cross-entropies of all heads that have a right choice.
    fn losses(&self, model: &Classifier, batch: &Batch) -> Tensor<1> {
        let logits = model.logits(model.features(batch.images.clone()));
        let choices = HEADS.map(|head| head.choices()).to_vec();
        let logits = logits.split_with_sizes(choices, 1);
        let logs = Tensor::cat(logits.into_iter().map(|logits| log_softmax(logits, 1)).collect(), 1);
        (logs * batch.right.clone()).sum_dim(1).squeeze_dim::<1>(1).neg()
    }
}

fn right_choices(scene: &Scene) -> Vec<f32> {
    let mut right = Vec::with_capacity(logit_count());
    for head in HEADS {
        let known = head.choice(scene);
        right.extend((0..head.choices()).map(|choice| f32::from(u8::from(Some(choice) == known))));
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassifierConfig;

    #[test]
    fn one_choice_is_right_where_there_is_an_object_and_none_where_there_is_not() {
        let scene = Scene::random(0);
        let count = 3 + 3 + scene.objects.iter().map(|o| 2 + usize::from(o.colour.is_some())).sum::<usize>();
        assert_eq!(right_choices(&scene).iter().sum::<f32>(), count as f32);
    }

    /// Each of a head's n choices has the probability 1/n, so the loss is the sum of ln n.
    #[test]
    fn a_classifier_without_weights_has_the_loss_of_guessing() {
        let device = Device::flex();
        let task = Recognising { seed: 1, images: 4, pixels: 64, style: Style::Paint, device: device.clone() };
        let classifier = ClassifierConfig::default().init(&device).map(&mut Zeros);
        let batch = task.batch(0..4);
        let losses: Vec<f32> = task.losses(&classifier, &batch).into_data().iter::<f32>().collect();
        for (draw, loss) in losses.into_iter().enumerate() {
            let scene = Split::Train.sample(draw as u64, 1, 64).scene;
            let known = HEADS.iter().filter(|head| head.choice(&scene).is_some());
            let guessing: f64 = known.map(|head| (head.choices() as f64).ln()).sum();
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
