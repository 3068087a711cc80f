//! Prior preservation: the loss is the sum of two, and what a class looks like stays.

use burn::module::Module;
use burn::tensor::Device;
use sd_schedule::{BetaSchedule, NoiseSchedule, Prediction};
use sd_train::tasks::{Diffusion, DiffusionConfig, TextToLatents};
use sd_train::{Objective, Task, Timesteps, Trainer, Weighting};

use crate::learning::{config, model, random, train};

/// Four images of noise, seeded by `images`, with one caption.
fn diffusion(seed: u64, images: u64, caption: [u32; 3]) -> Diffusion {
    let schedule = NoiseSchedule::from_betas(&BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap()).unwrap();
    let objective = Objective { schedule, prediction: Prediction::X0, weighting: Weighting::Simple };
    let (captions, timesteps) = (vec![caption.to_vec(); 4], Timesteps::Uniform { count: 1000 });
    let config = DiffusionConfig::new(seed).with_caption_dropout(0.0);
    Diffusion::new(random([4, 4, 4, 4], images), captions, vec![10, 11, 11], objective, timesteps, config)
}

fn subject() -> Diffusion {
    diffusion(5, 1, [10, 3, 11])
}

fn class() -> Diffusion {
    diffusion(6, 2, [10, 4, 11])
}

fn losses(task: &Diffusion, model: &TextToLatents) -> Vec<f32> {
    let batch = Task::<TextToLatents>::batch(task, 2..6);
    task.losses(model, &batch).into_data().try_to_vec().unwrap()
}

#[test]
fn the_loss_is_that_of_the_subject_and_the_weighted_one_of_its_class() {
    let model = model(&Device::flex());
    let sums = losses(&subject().with_prior(class(), 0.25), &model);
    let pairs = losses(&subject(), &model).into_iter().zip(losses(&class(), &model));
    assert_eq!(sums, pairs.map(|(own, class)| own + class * 0.25).collect::<Vec<f32>>());
}

#[test]
fn a_model_that_learns_a_subject_keeps_its_class() {
    let mean = |task: &Diffusion, model: &TextToLatents| losses(task, model).iter().sum::<f32>() / 4.0;
    let after = |task: &Diffusion| {
        let mut trainer = Trainer::new(model(&Device::flex().autodiff()), config(120, 5e-3));
        train(&mut trainer, &mut task.clone(), 120);
        trainer.model().valid()
    };
    let (alone, with_class) = (after(&subject()), after(&subject().with_prior(class(), 1.0)));
    assert!(mean(&class(), &with_class) < 0.5 * mean(&class(), &alone));
    assert!(mean(&subject(), &with_class) < 0.5 * mean(&subject(), &model(&Device::flex())));
}

/// Also where a row's neighbours are others.
#[test]
fn captions_that_were_encoded_before_give_the_same_losses_to_the_bit() {
    let model = model(&Device::flex());
    let task = subject().with_prior(class(), 0.5);
    let captions = task.distinct_captions().unwrap();
    assert_eq!(captions, [vec![10, 3, 11], vec![10, 4, 11], vec![10, 11, 11]]);
    let encoded = task.clone().with_encoded_captions(&captions, model.text.forward(&captions).last);
    assert_eq!(losses(&encoded, &model), losses(&task, &model));
}
