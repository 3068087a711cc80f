//! What is to be drawn, with everything by name.

mod from_parameters;
mod names;
mod passes;
mod prompts;

use sd_pipeline::{Prediction, Request};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::passes::{HiresPass, HiresSize, RefinerPass};
pub(crate) use self::prompts::{PromptLoras, mentioned_embeddings};
use crate::hex;

/// What to draw, with models and other files by name: JSON that any machine with the same files can draw.
///
/// In serde every field may be left out, and an unknown field is an error.
///
/// ```
/// let job: sd_engine::Job = serde_json::from_str(r#"{ "model": "sd15", "request": { "prompt": "a cat", "seed": 7 } }"#)?;
/// assert_eq!(job.count, 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Job {
    /// The model; none is the library's default.
    pub model: Option<String>,
    /// What the U-Net predicts; none is what the model's files say.
    pub prediction: Option<Predicts>,
    /// Whether to take the moving average of the weights, if a single file has both.
    pub ema: bool,
    /// Another autoencoder than the model's own.
    pub vae: Option<String>,
    /// LoRAs, beside those that the prompt names.
    pub loras: Vec<NamedLora>,
    /// Textual inversions, beside those that the prompts mention.
    pub embeddings: Vec<NamedEmbedding>,
    /// Control networks: [`ControlImage::network`](sd_pipeline::ControlImage::network) is an index of this list.
    pub controls: Vec<String>,
    /// IP-Adapters: [`ImagePrompt::adapter`](sd_pipeline::ImagePrompt::adapter) is an index of this list.
    pub image_adapters: Vec<NamedAdapter>,
    /// What to draw with these files.
    pub request: Request,
    /// Number of images, at least 1. Image `i` has the request's seed plus `i`.
    pub count: u64,
    /// A second pass at a larger size.
    pub hires: Option<HiresPass>,
    /// A model that makes the last steps.
    pub refiner: Option<RefinerPass>,
    /// When the autoencoder works in bands of rows. It overrides the request's `vae_tiling`.
    pub tiling: Tiling,
}

/// A LoRA and its weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedLora {
    /// Its name.
    pub name: String,
    /// The factor on its changes.
    #[serde(default = "one")]
    pub weight: f64,
}

/// A textual inversion and its word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedEmbedding {
    /// Its name.
    pub name: String,
    /// Its word in prompts; none is the file's own.
    #[serde(default)]
    pub word: Option<String>,
}

/// An IP-Adapter and its image encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedAdapter {
    /// Its name.
    pub name: String,
    /// CLIP's image encoder; none is the folder `image_encoder` beside the adapter, or of the model.
    #[serde(default)]
    pub encoder: Option<String>,
}

/// What a U-Net predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Predicts {
    /// The noise.
    Eps,
    /// The velocity.
    V,
}

/// When the autoencoder works in bands of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tiling {
    /// Where the memory is too small for the whole image.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl From<Predicts> for Prediction {
    fn from(predicts: Predicts) -> Self {
        match predicts {
            Predicts::Eps => Self::Eps,
            Predicts::V => Self::V,
        }
    }
}

impl Default for Job {
    fn default() -> Self {
        Self {
            model: None,
            prediction: None,
            ema: false,
            vae: None,
            loras: Vec::new(),
            embeddings: Vec::new(),
            controls: Vec::new(),
            image_adapters: Vec::new(),
            request: Request::default(),
            count: 1,
            hires: None,
            refiner: None,
            tiling: Tiling::default(),
        }
    }
}

impl Job {
    /// Requests one image with the library's default model.
    pub fn new(request: Request) -> Self {
        Self { request, ..Self::default() }
    }

    /// The SHA-256 of the job, in hexadecimal: jobs with the same one draw the same images with the same files.
    pub fn hash(&self) -> String {
        let text = serde_json::to_vec(self).expect("a job is JSON");
        hex(&Sha256::digest(text))
    }

    /// The job of image `index` alone.
    pub fn single(&self, index: u64) -> Self {
        let mut single = self.clone();
        single.request.seed = self.request.seed.wrapping_add(index);
        single.count = 1;
        single
    }
}

fn one() -> f64 {
    1.0
}
