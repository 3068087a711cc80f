use std::path::PathBuf;

use sd_scenes::Style;
use sd_train::tasks::{self, Distance};
use sd_train::{OptimiserConfig, Rate, TrainerConfig};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{ControlConfig, DistillationConfig, InversionConfig, LoraConfig, PriorConfig};

/// What to train, on what, and for how long: the contents of a TOML file.
///
/// The tables `[vae]`, `[unet]`, `[text_encoder]` and `[scheduler]` have the keys, and the defaults, of the `config.json`
/// files of a model folder in the diffusers layout.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The kind of training.
    pub train: Training,
    /// Seed of the initial weights, the order of the images, and all noise.
    #[serde(default)]
    pub seed: u64,
    /// The folder of all outputs: `checkpoint/`, `metrics.jsonl`, `loss.svg`, `samples/` and `model/`.
    pub output: PathBuf,
    /// The images.
    pub data: DataConfig,
    /// The optimiser's settings.
    pub training: TrainingConfig,
    /// The samples during the training, and the precision of the saved weights.
    #[serde(default)]
    pub samples: SamplesConfig,
    /// A model folder to start from, instead of random weights in the networks of the tables below; for a ControlNet, a LoRA or a
    /// textual inversion, the folder of the model that it steers, changes or teaches a word; for a distillation, that of the teacher.
    pub start: Option<PathBuf>,
    /// The autoencoder.
    pub vae: Option<Map<String, Value>>,
    /// The loss of the autoencoder.
    #[serde(default)]
    pub autoencoder: AutoencoderConfig,
    /// The U-Net.
    pub unet: Option<Map<String, Value>>,
    /// The text encoder. Its vocabulary is learnt from the captions.
    pub text_encoder: Option<Map<String, Value>>,
    /// The noise schedule, and what the U-Net predicts.
    pub scheduler: Option<Map<String, Value>>,
    /// The loss and the autoencoder of the U-Net.
    #[serde(default)]
    pub diffusion: DiffusionConfig,
    /// What steers the model of a ControlNet.
    pub control: Option<ControlConfig>,
    /// How a model is distilled.
    pub distillation: Option<DistillationConfig>,
    /// The adapters of a LoRA.
    pub lora: Option<LoraConfig>,
    /// The word of a textual inversion.
    pub inversion: Option<InversionConfig>,
    /// Images of a subject's class, which the model is to draw as before.
    pub prior: Option<PriorConfig>,
    /// The file of the recipe.
    #[serde(skip)]
    pub file: PathBuf,
    /// The output folder of the training that this one only rehearses, to [estimate](crate::estimate) what it takes.
    #[serde(skip)]
    pub rehearsal_of: Option<PathBuf>,
}

/// A kind of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Training {
    /// A VAE, which encodes images as latents.
    Autoencoder,
    /// A U-Net and its text encoder, which turn noise and a caption into latents.
    TextToImage,
    /// A U-Net that turns noise into pixels, without a text (Ho et al. 2020).
    Pixels,
    /// A ControlNet, which makes a model with a text follow an image (Zhang et al. 2023); the model itself stays as it is.
    #[serde(rename = "controlnet")]
    ControlNet,
    /// A student that draws in a few steps what its teacher draws in many (Luo et al. 2023).
    Distillation,
    /// A LoRA, or one of its relatives: small changes of a model with a text (Hu et al. 2021); the model itself stays as it is.
    Lora,
    /// The vectors of a new word of a model with a text (Gal et al. 2022); the model itself stays as it is.
    TextualInversion,
}

impl Training {
    /// Whether it trains a whole U-Net at all noise levels.
    pub(crate) fn trains_unet(self) -> bool {
        matches!(self, Self::TextToImage | Self::Pixels)
    }
}

/// The source of the images: either [`scenes`](Self::scenes) or [`folder`](Self::folder).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Number of images to draw with `sd-scenes`.
    pub scenes: Option<usize>,
    /// A folder of PNG, JPEG and WebP images, each with its caption in `metadata.jsonl` or in a `.txt` beside it.
    pub folder: Option<PathBuf>,
    /// Width and height in pixels, to which images are cropped and scaled.
    pub size: usize,
    /// Whether images keep about their proportions, and are shown in passes of one size, instead of being cropped to squares.
    #[serde(default)]
    pub buckets: bool,
    /// A folder with a mask for each image, of its name and at its place in [`folder`](Self::folder): the model learns only what is
    /// white in it.
    pub masks: Option<PathBuf>,
    /// The style in which scenes are drawn.
    #[serde(default)]
    pub style: Style,
    /// A tag in front of every caption.
    pub trigger: Option<String>,
    /// Whether the tags of a caption, its parts between commas, come in a new order at each draw.
    #[serde(default)]
    pub shuffle_tags: bool,
    /// Tags that stay in front of the shuffled ones, after the trigger.
    #[serde(default)]
    pub keep_tags: usize,
    /// Whether each image is also shown mirrored.
    #[serde(default)]
    pub flip: bool,
    /// Whether the name of an image's folder, such as `10_cat`, says how many times it is shown in an epoch.
    #[serde(default)]
    pub folder_repeats: bool,
}

impl DataConfig {
    /// Number of tags that stay in front of the shuffled ones.
    pub(crate) fn kept_tags(&self) -> usize {
        self.keep_tags + usize::from(self.trigger.is_some())
    }
}

/// The optimiser's settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Steps of the whole training.
    pub steps: u64,
    /// Images in each step.
    pub batch: usize,
    /// Passes into which the images of a step are split, to save memory; by default as many as workers.
    pub passes: Option<usize>,
    /// Passes that run at the same time.
    #[serde(default = "one")]
    pub workers: usize,
    /// The highest learning rate.
    pub rate: f64,
    /// Steps in which the rate rises to its highest.
    #[serde(default)]
    pub warm_up: u64,
    /// The final learning rate.
    #[serde(default)]
    pub last_rate: f64,
    /// Decay of the average of the weights, in `[0, 1)`.
    #[serde(default = "ema_decay")]
    pub ema_decay: f64,
    /// Weight decay of AdamW.
    #[serde(default = "weight_decay")]
    pub weight_decay: f64,
    /// Largest norm of all gradients together; larger ones are scaled down to it.
    #[serde(default = "clip_norm")]
    pub clip_norm: f64,
    /// Steps between checkpoints.
    #[serde(default = "checkpoint_every")]
    pub checkpoint_every: u64,
}

impl TrainingConfig {
    /// Passes into which the images of a step are split.
    pub fn passes(&self) -> usize {
        self.passes.unwrap_or(self.workers)
    }

    /// Returns these settings as the config of a trainer.
    pub fn trainer(&self) -> TrainerConfig {
        let rate = Rate::new(self.rate, self.warm_up, self.steps).with_last(self.last_rate);
        let optimiser = OptimiserConfig::new().with_weight_decay(self.weight_decay).with_clip_norm(self.clip_norm);
        TrainerConfig::new(rate, self.batch, self.ema_decay)
            .with_passes(self.passes())
            .with_workers(self.workers)
            .with_optimiser(optimiser)
    }
}

/// The samples during the training, and the precision of the saved weights.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SamplesConfig {
    /// Steps between sheets of samples.
    pub every: u64,
    /// Images on a sheet.
    pub count: usize,
    /// Sampling steps.
    pub steps: usize,
    /// Guidance scale: how closely to follow the caption.
    pub guidance: f64,
    /// The precision of the saved weights, not of the samples: `f32`, `f16` or `bf16`. Its key is `samples.dtype`.
    #[serde(rename = "dtype")]
    pub weights_precision: String,
}

/// The loss of an autoencoder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoencoderConfig {
    /// The distance between an image and its reconstruction: `l1` or `l2`.
    pub distance: DistanceName,
    /// Weight of the divergence per latent, beside the distance per pixel.
    pub kl_weight: f64,
}

/// How a reconstruction is compared with its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DistanceName {
    /// The mean absolute difference.
    L1,
    /// The mean squared difference.
    L2,
}

/// The loss and the autoencoder of a U-Net.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiffusionConfig {
    /// The folder that contains `vae/`, if there is no `start`.
    pub autoencoder: Option<PathBuf>,
    /// The largest signal-to-noise ratio that counts in min-SNR weights; without it, all timesteps count the same.
    pub min_snr_gamma: Option<f64>,
    /// Whether timesteps are chosen by their past losses.
    pub importance_sampling: bool,
    /// Share of images without their caption; by default 0.1, 0.5 for a ControlNet, and 0 for a textual inversion.
    pub caption_dropout: Option<f64>,
    /// Standard deviation of the offset added to the noise of each whole channel.
    pub noise_offset: f64,
    /// Whether the text encoder is left unchanged.
    pub freeze_text_encoder: bool,
    /// Whether the network also learns the variance of DDPM's steps, in as many further output channels (Nichol & Dhariwal 2021).
    pub learned_variance: bool,
    /// Whether the network also reads the clean image that it last predicted, in as many further input channels (Chen et al. 2022).
    pub self_conditioning: bool,
    /// For EDM: the mean of the natural logarithm of the noise levels, by default −1.2.
    pub log_sigma_mean: Option<f64>,
    /// For EDM: the standard deviation of that logarithm, by default 1.2.
    pub log_sigma_std: Option<f64>,
}

impl Recipe {
    /// Whether the training reads the captions of its images.
    pub(crate) fn reads_captions(&self) -> bool {
        match self.train {
            Training::TextToImage | Training::ControlNet | Training::Distillation | Training::Lora => true,
            Training::TextualInversion => self.inversion.as_ref().is_none_or(|word| word.templates.is_none()),
            Training::Autoencoder | Training::Pixels => false,
        }
    }

    /// Share of images without their caption: half of them for a ControlNet, so that it learns to read its conditions without the
    /// help of a text (Zhang et al. 2023, section 3.4); none for a textual inversion, which learns nothing without its word.
    pub(crate) fn caption_dropout(&self) -> f64 {
        self.diffusion.caption_dropout.unwrap_or(match self.train {
            Training::ControlNet => 0.5,
            Training::TextualInversion => 0.0,
            _ => tasks::DiffusionConfig::new(0).caption_dropout,
        })
    }
}

fn one() -> usize {
    1
}

fn clip_norm() -> f64 {
    OptimiserConfig::new().clip_norm
}

fn ema_decay() -> f64 {
    0.999
}

fn weight_decay() -> f64 {
    OptimiserConfig::new().weight_decay
}

fn checkpoint_every() -> u64 {
    500
}

impl Default for SamplesConfig {
    fn default() -> Self {
        Self { every: 1000, count: 8, steps: 20, guidance: 3.0, weights_precision: "f32".into() }
    }
}

impl Default for AutoencoderConfig {
    fn default() -> Self {
        Self { distance: DistanceName::L1, kl_weight: 1e-7 }
    }
}

impl Default for DiffusionConfig {
    fn default() -> Self {
        let task = tasks::DiffusionConfig::new(0);
        Self {
            autoencoder: None,
            min_snr_gamma: None,
            importance_sampling: false,
            caption_dropout: None,
            noise_offset: task.noise_offset,
            freeze_text_encoder: false,
            learned_variance: false,
            self_conditioning: false,
            log_sigma_mean: None,
            log_sigma_std: None,
        }
    }
}

impl From<DistanceName> for Distance {
    fn from(name: DistanceName) -> Self {
        match name {
            DistanceName::L1 => Self::L1,
            DistanceName::L2 => Self::L2,
        }
    }
}
