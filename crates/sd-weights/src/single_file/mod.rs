//! Checkpoints that have all parts of a model in one file, with the names that the first programs gave them.

mod family;
mod table;
mod text;
mod unet;
mod vae;
mod write;

pub use family::Family;
pub use table::Table;
pub use text::{open_clip, open_clip_with_projection};
pub use unet::{UnetPlan, unet};
pub use vae::{vae, vae_levels};

use std::path::Path;

use family::{CLIP, EMA, OPEN_CLIP, UNET, VAE, XL_CLIP, XL_OPEN_CLIP, family};

use crate::{View, Weights, WeightsError};

/// How many layers of OpenCLIP's 24 Stable Diffusion 2.x reads: it was trained on the last but one.
const LAYERS_READ: usize = 23;

/// A single file taken apart: each network's weights by the names of the diffusers layout.
#[derive(Debug)]
pub struct SingleFile {
    /// What it is.
    pub family: Family,
    /// The U-Net.
    pub unet: Weights,
    /// The autoencoder.
    pub vae: Weights,
    /// The text encoders: two for XL.
    pub text: Vec<Weights>,
    /// What the U-Net predicts, where the file says so: `"v"` or `"epsilon"`.
    pub prediction: Option<&'static str>,
    /// Whether the file says that its last timestep is pure noise.
    pub zero_terminal_snr: bool,
    /// The number of training steps, where the file says it.
    pub global_step: Option<u64>,
}

/// Which of a training's two sets of weights to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Average {
    /// The last ones, which published files have; some have no others.
    #[default]
    Last,
    /// Their moving average, `model_ema`, which whole training checkpoints have beside them.
    Ema,
}

impl SingleFile {
    /// Opens a file and finds out what it is.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] where it cannot be read, and [`WeightsError::NotAModel`] for anything else than a checkpoint of
    /// Stable Diffusion 1.x, 2.x or XL that draws from text.
    pub fn open(path: &Path, average: Average) -> Result<Self, WeightsError> {
        let weights = Weights::in_file(path)?;
        let family = family(&weights)?;
        Ok(Self {
            family,
            unet: match average {
                Average::Last => unet_of(&weights)?,
                Average::Ema => unet_of(&averaged(&weights)?)?,
            },
            vae: vae_of(&weights)?,
            text: text_of(&weights, family)?,
            prediction: prediction(&weights),
            zero_terminal_snr: weights.shape("ztsnr").is_some(),
            global_step: weights.metadata().get("global_step").and_then(|step| step.parse().ok()),
        })
    }
}

/// An autoencoder alone by the names of the diffusers layout, of a file that has these, or the original program's.
///
/// # Errors
///
/// [`WeightsError::NotAModel`] for anything else.
pub fn autoencoder(weights: Weights) -> Result<Weights, WeightsError> {
    let has = |start: &str| weights.keys().any(|key| key.starts_with(start));
    if has("encoder.down_blocks.") {
        return Ok(weights);
    }
    if has(VAE) {
        return vae_of(&weights);
    }
    if !has("encoder.down.") {
        let (file, what) = (weights.origin().to_path_buf(), "no autoencoder".to_string());
        let remedy = "expected are the names encoder.down…, as of the original program, or encoder.down_blocks…".into();
        return Err(WeightsError::NotAModel { file, what, remedy });
    }
    let table = vae(vae_levels(weights.keys()));
    let is_other = |key: &str| ["loss.", "model_ema."].iter().any(|start| key.starts_with(start));
    weights.select(|key| if is_other(key) { Vec::new() } else { part(key, "", &table) })
}

fn unet_of(weights: &Weights) -> Result<Weights, WeightsError> {
    let table = unet(&UnetPlan::of_single(weights.keys().filter_map(|key| key.strip_prefix(UNET))));
    weights.select(|key| part(key, UNET, &table))
}

fn vae_of(weights: &Weights) -> Result<Weights, WeightsError> {
    let table = vae(vae_levels(weights.keys().filter_map(|key| key.strip_prefix(VAE))));
    // Its training's loss has networks of its own.
    weights.select(|key| if key.starts_with("first_stage_model.loss.") { Vec::new() } else { part(key, VAE, &table) })
}

fn text_of(weights: &Weights, family: Family) -> Result<Vec<Weights>, WeightsError> {
    let layers = |prefix: &str| {
        let key = |i: usize| format!("{prefix}transformer.resblocks.{i}.ln_1.weight");
        (0..).take_while(|i| weights.shape(&key(*i)).is_some()).count()
    };
    match family {
        Family::Sd1 => Ok(vec![clip(weights, CLIP)?]),
        Family::Sd2 if layers(OPEN_CLIP) == 0 => Ok(vec![clip(weights, CLIP)?]),
        Family::Sd2 => {
            let table = open_clip(layers(OPEN_CLIP).min(LAYERS_READ));
            Ok(vec![weights.select(|key| text_part(key, OPEN_CLIP, &table))?])
        }
        Family::Xl => {
            let table = open_clip_with_projection(layers(XL_OPEN_CLIP));
            Ok(vec![clip(weights, XL_CLIP)?, weights.select(|key| text_part(key, XL_OPEN_CLIP, &table))?])
        }
    }
}

/// CLIP's text encoder, which is called the same in both; some files have its picture encoder and projections too.
fn clip(weights: &Weights, prefix: &str) -> Result<Weights, WeightsError> {
    let modules = ["text_model.", "embeddings.", "encoder.", "final_layer_norm."];
    weights.select(|key| match key.strip_prefix(prefix) {
        Some(name) if modules.iter().any(|module| name.starts_with(module)) => vec![(name.to_string(), View::Whole)],
        _ => Vec::new(),
    })
}

/// A tensor of a part by its other names. One that is unknown keeps its own, and so will be told of as such.
fn part(key: &str, prefix: &str, table: &Table) -> Vec<(String, View)> {
    let Some(name) = key.strip_prefix(prefix) else { return Vec::new() };
    let names = table.to_diffusers(name);
    if names.is_empty() { vec![(key.to_string(), View::Whole)] } else { names }
}

/// The same of OpenCLIP's text encoder, of which some things are not read: the last layer, the logits' scale, a mask.
fn text_part(key: &str, prefix: &str, table: &Table) -> Vec<(String, View)> {
    key.strip_prefix(prefix).map_or_else(Vec::new, |name| table.to_diffusers(name))
}

/// The weights with the U-Net's replaced by their moving average, whose names have lost their dots.
fn averaged(weights: &Weights) -> Result<Weights, WeightsError> {
    let mut averaged = weights.clone();
    for (key, place) in averaged.tensors.iter_mut().filter(|(key, _)| key.starts_with(UNET)) {
        let name = format!("{EMA}{}", key[UNET.len()..].replace('.', ""));
        *place = weights.tensors.get(&name).cloned().ok_or_else(|| WeightsError::Mismatch {
            file: weights.origin().to_path_buf(),
            problems: format!("no moving average of `{key}` is in it; take the last weights"),
        })?;
    }
    Ok(averaged)
}

/// What the file says by a tensor called `v_pred`, or by its metadata (modelspec.prediction_type).
fn prediction(weights: &Weights) -> Option<&'static str> {
    let told = weights.metadata().get("modelspec.prediction_type").map(|told| told.to_lowercase());
    match told.as_deref() {
        _ if weights.shape("v_pred").is_some() => Some("v"),
        Some("v" | "v_prediction" | "v-prediction") => Some("v"),
        Some("epsilon" | "eps") => Some("epsilon"),
        _ => None,
    }
}
