//! Checkpoints that have all parts of a model in one file, with the names that the first programs gave them.

mod ema;
mod family;
mod table;
mod taesd;
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
use std::sync::Arc;

use family::{TextNames, UNET, VAE, family};

use crate::weights::Naming;
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
    /// The autoencoder; some files have none.
    pub vae: Option<Weights>,
    /// The text encoders: two for XL.
    pub text: Vec<Weights>,
    /// What the U-Net predicts, where the file says so.
    pub prediction: Option<Predicted>,
    /// Whether the file says that its last timestep is pure noise.
    pub zero_terminal_snr: bool,
    /// The number of training steps, where the file says it.
    pub global_step: Option<u64>,
}

/// What a file says that its U-Net predicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicted {
    /// The velocity.
    V,
    /// The noise.
    Epsilon,
    /// Something else: where the file says it, and what.
    Other(String),
}

/// Which of a training's two sets of weights to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Average {
    /// The last ones, which most published files have alone; the average of a file that has nothing else.
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
        let prefix = prefix(&weights, &FIRST_CONVOLUTIONS);
        let plain = |key: &str| vec![(key.strip_prefix(&prefix).unwrap_or(key).to_string(), View::Whole)];
        let weights = ema::chosen(weights.select(plain)?, average)?;
        let (family, text) = family(&weights)?;
        let text = text.into_iter().enumerate().map(|(i, names)| text_of(&weights, names, family, i));
        Ok(Self {
            family,
            unet: unet_of(&weights)?,
            vae: weights.keys().any(|key| key.starts_with(VAE)).then(|| vae_of(&weights, VAE)).transpose()?,
            text: text.collect::<Result<_, _>>()?,
            prediction: prediction(&weights),
            zero_terminal_snr: weights.shape("ztsnr").is_some(),
            global_step: weights.metadata().get("global_step").and_then(|step| step.parse().ok()),
        })
    }
}

/// The first convolution of a U-Net, and of its moving average.
const FIRST_CONVOLUTIONS: [&str; 3] = [
    "model.diffusion_model.input_blocks.0.0.weight",
    "model_ema.diffusion_model.input_blocks.0.0.weight",
    "model_ema.diffusion_modelinput_blocks00weight",
];

/// An autoencoder alone by the names of the diffusers layout, of a file that has these or the original program's, for
/// AutoencoderKL or TAESD, with or without something before them. Of TAESD there may be the decoder alone.
///
/// # Errors
///
/// [`WeightsError::NotAModel`] for anything else.
pub fn autoencoder(weights: Weights) -> Result<Weights, WeightsError> {
    if let Some(tiny) = taesd::taesd(&weights) {
        return tiny;
    }
    let prefix = prefix(&weights, &["decoder.conv_in.weight"]);
    let has =
        |start: &str| weights.keys().any(|key| key.strip_prefix(&prefix).is_some_and(|key| key.starts_with(start)));
    if has("encoder.down_blocks.") {
        let whole = |key: &str| Some((key.strip_prefix(&prefix)?.to_string(), View::Whole));
        return weights.select(|key| whole(key).into_iter().collect());
    }
    if !has("encoder.down.") {
        let (file, what) = (weights.origin().to_path_buf(), "no autoencoder".to_string());
        let remedy = "expected are the names encoder.down…, as of the original program, encoder.down_blocks… or, for TAESD, \
                      decoder.layers…";
        return Err(WeightsError::NotAModel { file, what, remedy: remedy.into() });
    }
    vae_of(&weights, &prefix)
}

/// What is before the name of one of these modules, and so before the names of all beside it: mostly nothing.
fn prefix(weights: &Weights, modules: &[&str]) -> String {
    let before = |key: &str| modules.iter().find_map(|module| Some(key.strip_suffix(module)?.to_string()));
    let found = weights.keys().filter_map(before).filter(|prefix| prefix.is_empty() || prefix.ends_with('.'));
    found.min_by_key(String::len).unwrap_or_default()
}

fn unet_of(weights: &Weights) -> Result<Weights, WeightsError> {
    let table = unet(&UnetPlan::of_single(weights.keys().filter_map(|key| key.strip_prefix(UNET))));
    called(weights, UNET, table, |key, table| part(key, UNET, table))
}

fn vae_of(weights: &Weights, prefix: &str) -> Result<Weights, WeightsError> {
    let table = vae(vae_levels(weights.keys().filter_map(|key| key.strip_prefix(prefix))));
    // Its training's loss has networks of its own.
    let is_other = |name: &str| ["loss.", "model_ema."].iter().any(|start| name.starts_with(start));
    called(weights, prefix, table, |key, table| match key.strip_prefix(prefix) {
        Some(name) if !is_other(name) => part(key, prefix, table),
        _ => Vec::new(),
    })
}

fn text_of(weights: &Weights, names: TextNames, family: Family, index: usize) -> Result<Weights, WeightsError> {
    let found = match names {
        TextNames::Clip(prefix) => clip(weights, prefix, index > 0)?,
        TextNames::OpenClip(prefix) => {
            let key = |i: usize| format!("{prefix}transformer.resblocks.{i}.ln_1.weight");
            let layers = (0..).take_while(|i| weights.shape(&key(*i)).is_some()).count();
            let table = match family {
                Family::Xl => open_clip_with_projection(layers),
                Family::Sd1 | Family::Sd2 => open_clip(layers.min(LAYERS_READ)),
            };
            called(weights, prefix, table, |key, table| text_part(key, prefix, table))?
        }
    };
    // Without it, the pooled text would be another one and fit as well.
    if index > 0 && found.shape(PROJECTION).is_none() {
        let problems = format!("1 key missing ({})", found.name_in_file(PROJECTION));
        return Err(WeightsError::Mismatch { file: weights.origin().to_path_buf(), problems });
    }
    Ok(found)
}

const PROJECTION: &str = "text_projection.weight";

/// Some of the tensors by their other names, which are kept for messages.
fn called(
    weights: &Weights,
    prefix: &str,
    table: Table,
    names: impl Fn(&str, &Table) -> Vec<(String, View)>,
) -> Result<Weights, WeightsError> {
    let selected = weights.select(|key| names(key, &table))?;
    Ok(Weights { naming: Some(Naming { prefix: prefix.to_string(), table: Arc::new(table) }), ..selected })
}

/// CLIP's text encoder, which is called the same in both; some files have its image encoder and projections too.
fn clip(weights: &Weights, prefix: &str, is_projected: bool) -> Result<Weights, WeightsError> {
    let modules = ["text_model.", "embeddings.", "encoder.", "final_layer_norm."];
    let mut table = Table::default();
    for module in modules.map(|module| module.trim_end_matches('.')).into_iter().chain(["text_projection"]) {
        table.row(module, module);
    }
    called(weights, prefix, table, |key, _| match key.strip_prefix(prefix) {
        Some(name) if modules.iter().any(|module| name.starts_with(module)) || (is_projected && name == PROJECTION) => {
            vec![(name.to_string(), View::Whole)]
        }
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

/// What the file says by a tensor called `v_pred`, or by its metadata: modelspec.prediction_type and, of 2.x,
/// modelspec.architecture of the specification, and modelspec.predict_key of ComfyUI.
fn prediction(weights: &Weights) -> Option<Predicted> {
    if weights.shape("v_pred").is_some() {
        return Some(Predicted::V);
    }
    let told = |key: &str| weights.metadata().get(key).map(|told| told.to_lowercase());
    for key in ["modelspec.prediction_type", "modelspec.predict_key"] {
        match told(key).as_deref() {
            Some("v" | "v_prediction" | "v-prediction") => return Some(Predicted::V),
            Some("epsilon" | "eps") => return Some(Predicted::Epsilon),
            Some(told) => return Some(Predicted::Other(format!("{key} is {told:?}"))),
            None => {}
        }
    }
    match told("modelspec.architecture")?.as_str() {
        "stable-diffusion-v2-768-v" => Some(Predicted::V),
        "stable-diffusion-v2-512" => Some(Predicted::Epsilon),
        _ => None,
    }
}
