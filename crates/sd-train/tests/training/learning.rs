//! Whole small trainings: they learn, and they resume from a checkpoint as if never interrupted.

use std::ops::Range;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use sd_clip::ClipTextConfig;
use sd_schedule::{BetaSchedule, Edm, NoiseSchedule, Prediction};
use sd_train::tasks::{
    Autoencoding, AutoencodingConfig, Denoising, DenoisingConfig, Diffusion, DiffusionConfig, Distance, TextToLatents,
};
use sd_train::{
    EdmObjective, Objective, Progress, Purpose, Rate, Stream, Task, Timesteps, TrainError, Trainer, TrainerConfig,
    Weighting, initialise,
};
use sd_unet::{UnconditionalLevel, UnconditionalUnet, UnconditionalUnetConfig, UnetConfig, UnetLevel};
use sd_vae::{AutoencoderKl, AutoencoderKlConfig};

use crate::values::values;

pub fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let values = Stream::new(seed, Purpose::Noise, 0).normals().take(shape.iter().product());
    Tensor::from_data(TensorData::new(values.collect::<Vec<f64>>(), shape), &Device::flex())
}

/// A text encoder for three tokens of twelve kinds, and a U-Net of two levels.
pub fn model(device: &Device) -> TextToLatents {
    let text = ClipTextConfig {
        vocab_size: 12,
        hidden_size: 8,
        intermediate_size: 16,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        max_position_embeddings: 3,
        ..ClipTextConfig::sd1()
    };
    let level = |channels, attention| UnetLevel::even(channels, 1, attention, 2);
    let unet = UnetConfig {
        levels: vec![level(16, 0), level(32, 1)],
        norm_num_groups: 4,
        cross_attention_dim: 8,
        ..UnetConfig::sd1()
    };
    initialise(TextToLatents::new(text.init(device), unet.init(device)), 3)
}

/// The model, to be trained.
fn trained_model() -> TextToLatents {
    model(&Device::flex().autodiff())
}

/// Eight images of noise with a caption each.
pub fn diffusion(prediction: Prediction, timesteps: Timesteps) -> Diffusion {
    let betas = BetaSchedule::ScaledLinear.betas(timesteps.count(), 0.00085, 0.012).unwrap();
    let schedule = NoiseSchedule::from_betas(&betas).unwrap();
    let objective = Objective { schedule, prediction, weighting: Weighting::MinSnr { gamma: 5.0 } };
    let captions = (0..8).map(|i| vec![10, i, 11]).collect();
    let config = DiffusionConfig::new(5).with_noise_offset(0.1);
    Diffusion::new(random([8, 4, 4, 4], 1), captions, vec![10, 11, 11], objective, timesteps, config)
}

pub fn config(steps: u64, peak: f64) -> TrainerConfig {
    TrainerConfig::new(Rate::new(peak, 10, steps), 8, 0.9999)
}

pub fn train<M: Module, T: Task<M>>(trainer: &mut Trainer<M>, task: &mut T, steps: u64) -> Vec<Progress> {
    (0..steps).map(|_| trainer.step(task).unwrap()).collect()
}

#[test]
fn a_small_diffusion_model_learns_its_images_by_heart() {
    let mut task = diffusion(Prediction::X0, Timesteps::Uniform { count: 1000 });
    let mut trainer = Trainer::new(trained_model(), config(250, 5e-3));
    let losses: Vec<f64> = train(&mut trainer, &mut task, 250).iter().map(|progress| progress.loss).collect();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let (first, last) = (mean(&losses[..10]), mean(&losses[losses.len() - 10..]));
    assert!(first > 0.5 && last < 0.05 * first, "{first} {last}");
}

/// DDPM's objective, the prediction of the noise, with the betas of its paper.
fn denoising() -> Denoising {
    let schedule = NoiseSchedule::from_betas(&BetaSchedule::Linear.betas(1000, 1e-4, 0.02).unwrap()).unwrap();
    let objective = Objective { schedule, prediction: Prediction::Eps, weighting: Weighting::Simple };
    let images = random([8, 3, 4, 4], 6).tanh();
    Denoising::new(images, objective, Timesteps::Uniform { count: 1000 }, DenoisingConfig::new(5))
}

fn unconditional() -> UnconditionalUnet {
    let level =
        |channels, attention| UnconditionalLevel { channels, down_attention: attention, up_attention: attention };
    let config = UnconditionalUnetConfig {
        levels: vec![level(16, false), level(32, true)],
        layers_per_block: 1,
        norm_num_groups: 4,
        ..UnconditionalUnetConfig::ddpm_cifar10()
    };
    initialise(config.init(&Device::flex().autodiff()), 3)
}

#[test]
fn a_small_model_of_pixels_learns_its_images_by_heart() {
    let mut task = denoising();
    let mut trainer = Trainer::new(unconditional(), config(400, 5e-3));
    let losses: Vec<f64> = train(&mut trainer, &mut task, 400).iter().map(|progress| progress.loss).collect();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let (first, last) = (mean(&losses[..10]), mean(&losses[losses.len() - 40..]));
    assert!(first > 0.5 && last < 0.25 * first, "{first} {last}");
}

/// The means of the first and of the last losses of a training of 100 steps.
fn first_and_last(model: UnconditionalUnet, mut task: Denoising) -> (f64, f64) {
    let mut trainer = Trainer::new(model, config(100, 5e-3));
    let losses: Vec<f64> = train(&mut trainer, &mut task, 100).iter().map(|progress| progress.loss).collect();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    (mean(&losses[..5]), mean(&losses[70..]))
}

/// Grey images: what remains to be learnt is how much noise there is.
#[test]
fn a_small_model_learns_by_edm() {
    let images = Tensor::zeros([8, 3, 4, 4], &Device::flex());
    let task = Denoising::edm(images, EdmObjective::new(Edm::default()), DenoisingConfig::new(5));
    let (first, last) = first_and_last(unconditional(), task);
    assert!(first > 0.4 && last < 0.35 * first, "{first} {last}");
}

/// The bound of the likelihood falls with the simple loss.
#[test]
fn a_small_model_learns_its_variance() {
    let schedule = NoiseSchedule::from_betas(&BetaSchedule::Linear.betas(1000, 1e-4, 0.02).unwrap()).unwrap();
    let objective = Objective { schedule, prediction: Prediction::Eps, weighting: Weighting::Simple };
    let images = random([8, 3, 4, 4], 6).tanh();
    let task = Denoising::new(images, objective, Timesteps::Uniform { count: 1000 }, DenoisingConfig::new(5));
    let config = UnconditionalUnetConfig { out_channels: 6, ..unconditional().config().clone() };
    let model = initialise(config.init(&Device::flex().autodiff()), 3);
    let (first, last) = first_and_last(model, task.with_learned_variance());
    assert!(first > 0.5 && last < 0.5 * first, "{first} {last}");
}

#[test]
fn a_resumed_training_is_bit_for_bit_the_one_that_was_not_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let by_loss = || diffusion(Prediction::Eps, Timesteps::by_loss(2));
    let config = TrainerConfig { passes: 2, ..config(40, 1e-3) };
    let (mut whole, mut whole_task) = (Trainer::new(trained_model(), config), by_loss());
    let expected = train(&mut whole, &mut whole_task, 40);

    let (mut half, mut half_task) = (Trainer::new(trained_model(), config), by_loss());
    let mut found = train(&mut half, &mut half_task, 20);
    half.notes = "of my own".into();
    half.save(folder.path(), &half_task).unwrap();
    drop((half, half_task));
    // Another start, which the checkpoint replaces completely.
    let (other, mut task) = (initialise(trained_model(), 99), by_loss());
    let mut resumed = Trainer::resume(other, config, folder.path(), &mut task).unwrap();
    found.extend(train(&mut resumed, &mut task, 20));

    assert_eq!(found, expected);
    assert_eq!(resumed.notes, "of my own");
    assert_eq!(task.state_of(), whole_task.state_of());
    assert_eq!(values(resumed.model()), values(whole.model()));
    assert_eq!(values(&resumed.averaged()), values(&whole.averaged()));
}

trait StateOf {
    fn state_of(&self) -> serde_json::Value;
}

impl StateOf for Diffusion {
    fn state_of(&self) -> serde_json::Value {
        Task::<TextToLatents>::state(self)
    }
}

#[test]
fn only_the_last_checkpoint_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = diffusion(Prediction::V, Timesteps::Uniform { count: 1000 });
    let mut trainer = Trainer::new(trained_model(), config(10, 1e-3));
    trainer.save(folder.path(), &task).unwrap();
    train(&mut trainer, &mut task, 1);
    trainer.save(folder.path(), &task).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["step-1.safetensors", "training.json"]);
}

fn resume_error(folder: &Path, model: TextToLatents) -> String {
    let mut task = diffusion(Prediction::V, Timesteps::Uniform { count: 1000 });
    match Trainer::resume(model, config(10, 1e-3), folder, &mut task) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("resumed"),
    }
}

#[test]
fn damaged_and_foreign_checkpoints_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut task = diffusion(Prediction::V, Timesteps::Uniform { count: 1000 });
    assert!(resume_error(folder, trained_model()).contains("training.json"));
    let mut trainer = Trainer::new(trained_model(), config(10, 1e-3));
    train(&mut trainer, &mut task, 1);
    trainer.save(folder, &task).unwrap();

    let TextToLatents { text, unet, .. } = trained_model();
    let frozen = TextToLatents::new(text.freeze(), unet);
    assert!(resume_error(folder, frozen).contains("other parts are frozen"));
    let file = folder.join("step-1.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    assert!(resume_error(folder, trained_model()).contains("not a safetensors file"));
    std::fs::write(folder.join("training.json"), "{}").unwrap();
    assert!(resume_error(folder, trained_model()).contains("missing field"));
}

#[test]
fn two_passes_of_four_are_one_of_eight_but_for_rounding() {
    let step = |passes| {
        let mut task = diffusion(Prediction::V, Timesteps::Uniform { count: 1000 });
        let mut trainer = Trainer::new(trained_model(), TrainerConfig { passes, ..config(10, 1e-3) });
        trainer.step(&mut task).unwrap()
    };
    let (one, two) = (step(1), step(2));
    assert!((one.loss / two.loss - 1.0).abs() < 1e-6, "{one:?} {two:?}");
    assert!((one.gradient_norm / two.gradient_norm - 1.0).abs() < 1e-5, "{one:?} {two:?}");
}

#[test]
fn a_frozen_text_encoder_stays_as_it_is() {
    let TextToLatents { text, unet, .. } = trained_model();
    let model = TextToLatents::new(text.freeze(), unet);
    let (text, unet) = (values(&model.text), values(&model.unet));
    let mut trainer = Trainer::new(model, config(10, 1e-3));
    train(&mut trainer, &mut diffusion(Prediction::V, Timesteps::Uniform { count: 1000 }), 1);
    assert_eq!(values(&trainer.model().text), text);
    assert!(values(&trainer.model().unet).iter().zip(&unet).all(|(new, old)| new != old));
}

/// Has an infinite loss at one step.
struct Overflowing(Diffusion);

impl Task<TextToLatents> for Overflowing {
    type Batch = (<Diffusion as Task<TextToLatents>>::Batch, f64);

    fn batch(&self, draws: Range<u64>) -> Self::Batch {
        let factor = if draws.start == 8 { f64::INFINITY } else { 1.0 };
        (Task::<TextToLatents>::batch(&self.0, draws), factor)
    }

    fn losses(&self, model: &TextToLatents, (batch, factor): &Self::Batch) -> Tensor<1> {
        self.0.losses(model, batch) * *factor
    }
}

#[test]
fn an_infinite_loss_is_an_error_that_changes_nothing() {
    let mut task = Overflowing(diffusion(Prediction::V, Timesteps::Uniform { count: 1000 }));
    let mut trainer = Trainer::new(trained_model(), config(10, 1e-3));
    trainer.step(&mut task).unwrap();
    let (model, average) = (values(trainer.model()), values(&trainer.averaged()));
    assert!(matches!(trainer.step(&mut task), Err(TrainError::NotFinite { step: 1, what: "loss", .. })));
    assert_eq!((values(trainer.model()), values(&trainer.averaged())), (model, average));
    assert_eq!(trainer.steps(), 1);
}

#[test]
fn a_small_autoencoder_learns_its_images_by_heart() {
    let config_vae = AutoencoderKlConfig {
        block_out_channels: vec![8, 16],
        layers_per_block: 1,
        norm_num_groups: 4,
        ..AutoencoderKlConfig::sd()
    };
    let vae: AutoencoderKl = initialise(config_vae.init(&Device::flex().autodiff()), 2);
    let mut task = Autoencoding::new(random([8, 3, 8, 8], 4).tanh(), AutoencodingConfig::new(1, Distance::L1, 1e-6));
    let mut trainer = Trainer::new(vae, config(200, 3e-3));
    let progress = train(&mut trainer, &mut task, 200);
    assert!(progress[199].loss < 0.2 * progress[0].loss, "{} {}", progress[0].loss, progress[199].loss);
}
