//! Trainings of a small ControlNet: the model that it steers stays as it is.

use burn::tensor::{Device, Tensor};
use sd_schedule::{BetaSchedule, NoiseSchedule, Prediction};
use sd_train::tasks::{Controlling, Diffusion, DiffusionConfig, Hints, TextToLatents};
use sd_train::{Objective, Progress, Rate, Task, Timesteps, Trainer, TrainerConfig, Weighting, initialise};
use sd_unet::{ControlNet, ControlNetConfig};

use crate::learning::{model, random};
use crate::values::values;

/// A diffusion of eight images of noise with one caption: only their conditions tell them apart.
fn diffusion(prediction: Prediction, timesteps: Timesteps) -> Diffusion {
    let betas = BetaSchedule::ScaledLinear.betas(timesteps.count(), 0.00085, 0.012).unwrap();
    let schedule = NoiseSchedule::from_betas(&betas).unwrap();
    let objective = Objective { schedule, prediction, weighting: Weighting::Simple };
    let captions = vec![vec![10, 3, 11]; 8];
    let config = DiffusionConfig::new(5).with_caption_dropout(0.5);
    Diffusion::new(random([8, 4, 4, 4], 1), captions, vec![10, 11, 11], objective, timesteps, config)
}

/// Condition `i` is white where the bit of a pixel's place is one in `i`.
fn hints() -> Hints {
    let byte = |image: usize, place: usize| if image >> (place % 3) & 1 == 1 { 255 } else { 0 };
    Hints { rgb: (0..8).flat_map(|image| (0..64 * 3).map(move |i| byte(image, i / 3))).collect(), width: 8, height: 8 }
}

fn networks() -> TextToLatents {
    model(&Device::flex())
}

fn task(prediction: Prediction, timesteps: Timesteps) -> Controlling {
    Controlling::new(diffusion(prediction, timesteps), networks(), hints())
}

/// A ControlNet before its training.
fn control(device: &Device, seed: u64) -> ControlNet {
    let unet = networks().unet;
    let config = ControlNetConfig::new(unet.config().clone()).with_hint_widths(vec![8, 16]);
    initialise(config.init(device), seed).with_encoder_of(&unet)
}

fn autodiff() -> Device {
    Device::flex().autodiff()
}

fn uniform() -> Timesteps {
    Timesteps::Uniform { count: 1000 }
}

fn config(steps: u64, peak: f64) -> TrainerConfig {
    TrainerConfig::new(Rate::new(peak, 10, steps), 8, 0.999)
}

fn train(trainer: &mut Trainer<ControlNet>, task: &mut Controlling, steps: u64) -> Vec<Progress> {
    (0..steps).map(|_| trainer.step(task).unwrap()).collect()
}

fn read(losses: Tensor<1>) -> Vec<f32> {
    losses.into_data().try_to_vec().unwrap()
}

/// The residuals are zeros, which change no bit of a sum.
#[test]
fn before_its_training_the_prediction_is_that_of_the_unet() {
    let (task, plain) = (task(Prediction::V, uniform()), diffusion(Prediction::V, uniform()));
    let expected = read(plain.losses(&networks(), &Task::<TextToLatents>::batch(&plain, 3..9)));
    let batch = task.batch(3..9);
    assert_eq!(read(task.losses(&control(&Device::flex(), 1), &batch)), expected);
    // Autodiff rounds some sums otherwise.
    let found = read(task.losses(&control(&autodiff(), 1), &batch).inner());
    assert!(found.iter().zip(&expected).all(|(found, expected)| (found / expected - 1.0).abs() < 1e-5));
}

#[test]
fn a_small_control_network_learns_the_images_of_its_conditions() {
    let mut task = task(Prediction::X0, uniform());
    let mut trainer = Trainer::new(control(&autodiff(), 1), config(300, 5e-3));
    let losses: Vec<f64> = train(&mut trainer, &mut task, 300).iter().map(|progress| progress.loss).collect();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let (first, last) = (mean(&losses[..10]), mean(&losses[losses.len() - 10..]));
    assert!(first > 0.5 && last < 0.4 * first, "{first} {last}");

    let swapped = Hints { rgb: hints().rgb.rchunks(64 * 3).flatten().copied().collect(), ..hints() };
    let swapped = Controlling::new(diffusion(Prediction::X0, uniform()), networks(), swapped);
    let loss = |task: &Controlling| read(task.losses(&trainer.averaged(), &task.batch(0..8))).iter().sum::<f32>() / 8.0;
    assert!(loss(&swapped) > 2.0 * loss(&task), "{} {}", loss(&swapped), loss(&task));
}

#[test]
fn a_resumed_training_is_bit_for_bit_the_one_that_was_not_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let by_loss = || task(Prediction::Eps, Timesteps::by_loss(2));
    let config = TrainerConfig { passes: 2, workers: 2, ..config(30, 1e-3) };
    let (mut whole, mut whole_task) = (Trainer::new(control(&autodiff(), 1), config), by_loss());
    let expected = train(&mut whole, &mut whole_task, 30);

    let (mut half, mut half_task) = (Trainer::new(control(&autodiff(), 1), config), by_loss());
    let mut found = train(&mut half, &mut half_task, 15);
    half.save(folder.path(), &half_task).unwrap();
    drop((half, half_task));
    // Another start, which the checkpoint replaces completely.
    let (other, mut task) = (initialise(control(&autodiff(), 1), 99), by_loss());
    let mut resumed = Trainer::resume(other, config, folder.path(), &mut task).unwrap();
    found.extend(train(&mut resumed, &mut task, 15));

    assert_eq!(found, expected);
    assert_eq!(task.state(), whole_task.state());
    assert_eq!(values(resumed.model()), values(whole.model()));
    assert_eq!(values(&resumed.averaged()), values(&whole.averaged()));
}
