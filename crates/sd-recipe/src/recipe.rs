use std::path::PathBuf;

use sd_train::tasks::Distance;
use sd_train::{OptimiserConfig, Rate, TrainerConfig};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What to train, on what, and for how long, as a TOML file says it.
///
/// The tables `[vae]`, `[unet]`, `[text_encoder]` and `[scheduler]` have the keys, and the defaults, of the `config.json`
/// files of a model folder in the diffusers layout.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What is trained.
    pub train: What,
    /// Names the first weights, the order of the images, and all noise.
    #[serde(default)]
    pub seed: u64,
    /// The folder of all that comes out: `checkpoint/`, `metrics.jsonl`, `loss.svg`, `samples/` and `model/`.
    pub output: PathBuf,
    /// The images.
    pub data: DataConfig,
    /// The optimiser's settings.
    pub training: TrainingConfig,
    /// What is drawn on the way.
    #[serde(default)]
    pub samples: SamplesConfig,
    /// A model folder to begin with, instead of random weights in networks that the tables below describe.
    pub start: Option<PathBuf>,
    /// The autoencoder.
    pub vae: Option<Map<String, Value>>,
    /// How the autoencoder is judged.
    #[serde(default)]
    pub autoencoder: AutoencoderConfig,
    /// The U-Net.
    pub unet: Option<Map<String, Value>>,
    /// The text encoder. Its vocabulary is learnt from the captions.
    pub text_encoder: Option<Map<String, Value>>,
    /// The noise, and what the U-Net predicts.
    pub scheduler: Option<Map<String, Value>>,
    /// How the U-Net is judged.
    #[serde(default)]
    pub diffusion: DiffusionConfig,
    /// The file that says all this.
    #[serde(skip)]
    pub file: PathBuf,
}

/// What can be trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A VAE, which makes latents of images.
    Autoencoder,
    /// A U-Net and its text encoder, which turn noise and a caption into latents.
    TextToImage,
    /// A U-Net that turns noise into pixels, without a text (Ho et al. 2020).
    Pixels,
}

/// Where the images come from: either [`scenes`](Self::scenes) or [`folder`](Self::folder).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Number of images to draw with `sd-scenes`.
    pub scenes: Option<usize>,
    /// A folder of PNG, JPEG and WebP images, each with its caption in `metadata.jsonl` or in a `.txt` beside it.
    pub folder: Option<PathBuf>,
    /// Width and height that images are cut and scaled to, in pixels.
    pub size: usize,
}

/// The optimiser's settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Steps of the whole training.
    pub steps: u64,
    /// Dataset that each step learns from.
    pub batch: usize,
    /// Passes that these are spread over, to save memory; as many as workers where it is left out.
    pub passes: Option<usize>,
    /// Passes that are made at the same time.
    #[serde(default = "one")]
    pub workers: usize,
    /// The highest learning rate.
    pub rate: f64,
    /// Steps in which it rises to that.
    #[serde(default)]
    pub warm_up: u64,
    /// The rate that it falls to.
    #[serde(default)]
    pub last_rate: f64,
    /// Decay of the weights' average, in `[0, 1)`.
    #[serde(default = "ema_decay")]
    pub ema_decay: f64,
    /// Decay of the weights themselves.
    #[serde(default = "weight_decay")]
    pub weight_decay: f64,
    /// The norm that gradients are scaled down to where they exceed it.
    #[serde(default = "one_f64")]
    pub clip_norm: f64,
    /// Steps between checkpoints.
    #[serde(default = "checkpoint_every")]
    pub checkpoint_every: u64,
}

impl TrainingConfig {
    /// Passes that a step's images are spread over.
    pub fn passes(&self) -> usize {
        self.passes.unwrap_or(self.workers)
    }

    /// These settings in the words of `sd-train`.
    pub fn trainer(&self) -> TrainerConfig {
        let rate = Rate::new(self.rate, self.warm_up, self.steps).with_last(self.last_rate);
        let optimiser = OptimiserConfig::new().with_weight_decay(self.weight_decay).with_clip_norm(self.clip_norm);
        TrainerConfig::new(rate, self.batch)
            .with_passes(self.passes())
            .with_workers(self.workers)
            .with_ema_decay(self.ema_decay)
            .with_optimiser(optimiser)
    }
}

/// What is drawn on the way, and how the model is saved.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SamplesConfig {
    /// Steps between sheets of samples.
    pub every: u64,
    /// Dataset on a sheet.
    pub count: usize,
    /// Sampling steps.
    pub steps: usize,
    /// How closely to follow the caption.
    pub guidance: f64,
    /// Precision of the saved weights: `f32`, `f16` or `bf16`.
    pub dtype: String,
}

/// How an autoencoder is judged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoencoderConfig {
    /// `l1` or `l2`.
    pub distance: DistanceName,
    /// How much the divergence of a latent counts beside the error of a pixel.
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

/// How a U-Net is judged.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiffusionConfig {
    /// The folder that `vae/` is in, where `start` has none.
    pub autoencoder: Option<PathBuf>,
    /// The signal-to-noise ratio above which timesteps count no more; without it, all count the same.
    pub min_snr_gamma: Option<f64>,
    /// Whether timesteps are chosen by how large their losses have been.
    pub importance_sampling: bool,
    /// Share of images that are shown without their caption.
    pub caption_dropout: f64,
    /// Standard deviation of what is added to the noise of a whole channel.
    pub noise_offset: f64,
    /// Whether the text encoder stays as it is.
    pub freeze_text_encoder: bool,
}

fn one() -> usize {
    1
}

fn one_f64() -> f64 {
    1.0
}

fn ema_decay() -> f64 {
    0.999
}

fn weight_decay() -> f64 {
    0.01
}

fn checkpoint_every() -> u64 {
    500
}

impl Default for SamplesConfig {
    fn default() -> Self {
        Self { every: 1000, count: 8, steps: 20, guidance: 3.0, dtype: "f32".into() }
    }
}

impl Default for AutoencoderConfig {
    fn default() -> Self {
        Self { distance: DistanceName::L1, kl_weight: 1e-7 }
    }
}

impl Default for DiffusionConfig {
    fn default() -> Self {
        Self {
            autoencoder: None,
            min_snr_gamma: None,
            importance_sampling: false,
            caption_dropout: 0.1,
            noise_offset: 0.0,
            freeze_text_encoder: false,
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
