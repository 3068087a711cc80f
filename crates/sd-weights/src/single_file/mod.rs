//! Checkpoints with all parts of a model in one file, under the names of the original programs.

mod ema;
mod family;
mod taesd;
mod text;
mod unet;
mod vae;
mod vision;
pub(crate) mod write;

pub use crate::name_table::Table;
pub use ema::WeightSet;
pub use family::Family;
pub use text::{open_clip, open_clip_with_projection};
pub use unet::{UnetPlan, unet};
pub use vae::{vae, vae_levels};
pub use vision::{image_encoder, is_image_encoder, open_clip_vision};

use std::path::Path;
use std::sync::Arc;

use family::{TextNames, UNET, VAE, family};

use crate::weights::Naming;
use crate::{View, Weights, WeightsError};

/// The number of OpenCLIP's 24 layers that Stable Diffusion 2.x uses: it was trained on the output of the last but one.
const LAYERS_READ: usize = 23;

/// A single file split into its networks, each with the names of the diffusers layout.
#[derive(Debug)]
pub struct SingleFile {
    /// The model's family.
    pub family: Family,
    /// The U-Net.
    pub unet: Weights,
    /// The autoencoder; some files have none.
    pub vae: Option<Weights>,
    /// The text encoders, in the order of [`Family::text_encoders`].
    pub text: Vec<Weights>,
    /// What the U-Net predicts, if the file says so.
    pub prediction: Option<Predicted>,
    /// Whether the file says that its last timestep is pure noise.
    pub zero_terminal_snr: bool,
    /// The number of training steps, if the file says it.
    pub global_step: Option<u64>,
}

/// What a file says that its U-Net predicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicted {
    /// The velocity.
    V,
    /// The noise.
    Epsilon,
    /// Something else: the key in the file, and its value.
    Other(String),
}

impl SingleFile {
    /// Opens a file and recognises its family. `set` selects the U-Net's weights.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if it cannot be read, and [`WeightsError::NotAModel`] for anything but a checkpoint of Stable
    /// Diffusion 1.x, 2.x, XL or its refiner.
    pub fn open(path: &Path, set: WeightSet) -> Result<Self, WeightsError> {
        let weights = Weights::in_file(path)?;
        let prefix = prefix(&weights, &FIRST_CONVOLUTIONS);
        let plain = |key: &str| vec![(key.strip_prefix(&prefix).unwrap_or(key).to_string(), View::Whole)];
        let weights = ema::select(weights.select(plain)?, set)?;
        let (family, text) = family(&weights)?;
        let text = text.into_iter().enumerate().map(|(i, names)| select_text_encoder(&weights, names, family, i));
        Ok(Self {
            family,
            unet: select_unet(&weights)?,
            vae: weights.keys().any(|key| key.starts_with(VAE)).then(|| select_vae(&weights, VAE)).transpose()?,
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

/// Renames a file that holds only an autoencoder, AutoencoderKL or TAESD, to the names of the diffusers layout. The file
/// may have these names or the original program's, with or without a prefix, and may lack TAESD's encoder.
///
/// # Errors
///
/// [`WeightsError::NotAModel`] for anything else.
pub fn autoencoder(weights: Weights) -> Result<Weights, WeightsError> {
    if let Some(tiny) = taesd::taesd(&weights) {
        return tiny;
    }
    let prefix = prefix(&weights, &["decoder.conv_in.weight"]);
    let any_starts_with =
        |start: &str| weights.keys().any(|key| key.strip_prefix(&prefix).is_some_and(|key| key.starts_with(start)));
    if any_starts_with("encoder.down_blocks.") {
        let whole = |key: &str| Some((key.strip_prefix(&prefix)?.to_string(), View::Whole));
        return weights.select(|key| whole(key).into_iter().collect());
    }
    if !any_starts_with("encoder.down.") {
        let (file, what) = (weights.origin().to_path_buf(), "no autoencoder".to_string());
        let remedy = "expected the original program's names (encoder.down…), those of diffusers (encoder.down_blocks…) or \
                      TAESD's (decoder.layers…)";
        return Err(WeightsError::NotAModel { file, what, remedy: remedy.into() });
    }
    select_vae(&weights, &prefix)
}

/// Returns the prefix of the names of these modules, which is that of all names beside them, and mostly empty.
fn prefix(weights: &Weights, modules: &[&str]) -> String {
    find_prefix(weights, modules).unwrap_or_default()
}

/// Returns the same prefix; `None` if the file has none of the modules.
pub(crate) fn find_prefix(weights: &Weights, modules: &[&str]) -> Option<String> {
    let before = |key: &str| modules.iter().find_map(|module| Some(key.strip_suffix(module)?.to_string()));
    let found = weights.keys().filter_map(before).filter(|prefix| prefix.is_empty() || prefix.ends_with('.'));
    found.min_by_key(String::len)
}

/// Renames the U-Net of a file to the names of the diffusers layout, with or without other parts of a model beside it.
///
/// # Errors
///
/// [`WeightsError::NotAModel`] for a file without one.
pub fn unet_alone(weights: &Weights) -> Result<Weights, WeightsError> {
    if weights.shape("conv_in.weight").is_some() {
        return Ok(weights.clone());
    }
    let Some(prefix) = find_prefix(weights, &["input_blocks.0.0.weight"]) else {
        let (file, what) = (weights.origin().to_path_buf(), "no U-Net".to_string());
        let remedy =
            "expected the original program's names (input_blocks.…) or those of diffusers (down_blocks.…)".into();
        return Err(WeightsError::NotAModel { file, what, remedy });
    };
    let table = unet(&UnetPlan::from_single(weights.keys().filter_map(|key| key.strip_prefix(&prefix))));
    renamed(weights, &prefix, table, |key, table| part(key, &prefix, table))
}

fn select_unet(weights: &Weights) -> Result<Weights, WeightsError> {
    let table = unet(&UnetPlan::from_single(weights.keys().filter_map(|key| key.strip_prefix(UNET))));
    renamed(weights, UNET, table, |key, table| part(key, UNET, table))
}

fn select_vae(weights: &Weights, prefix: &str) -> Result<Weights, WeightsError> {
    let table = vae(vae_levels(weights.keys().filter_map(|key| key.strip_prefix(prefix))));
    // Training checkpoints also hold the networks of the loss.
    let is_other = |name: &str| ["loss.", "model_ema."].iter().any(|start| name.starts_with(start));
    renamed(weights, prefix, table, |key, table| match key.strip_prefix(prefix) {
        Some(name) if !is_other(name) => part(key, prefix, table),
        _ => Vec::new(),
    })
}

fn select_text_encoder(
    weights: &Weights,
    names: TextNames,
    family: Family,
    index: usize,
) -> Result<Weights, WeightsError> {
    let found = match names {
        TextNames::Clip(prefix) => clip(weights, prefix, index > 0)?,
        TextNames::OpenClip(prefix) => {
            let key = |i: usize| format!("{prefix}transformer.resblocks.{i}.ln_1.weight");
            let layers = (0..).take_while(|i| weights.shape(&key(*i)).is_some()).count();
            let table = match family {
                Family::Xl | Family::XlRefiner => open_clip_with_projection(layers),
                Family::Sd1 | Family::Sd2 => open_clip(layers.min(LAYERS_READ)),
            };
            renamed(weights, prefix, table, |key, table| text_part(key, prefix, table))?
        }
    };
    // Without it, the pooled text would have the same shape and be wrong.
    if (index > 0 || family == Family::XlRefiner) && found.shape(PROJECTION).is_none() {
        let problems = format!("1 key missing ({})", found.name_in_file(PROJECTION));
        return Err(WeightsError::Mismatch { file: weights.origin().to_path_buf(), problems });
    }
    Ok(found)
}

const PROJECTION: &str = "text_projection.weight";

/// Renames some of the tensors, and keeps the file's names for messages.
pub(crate) fn renamed(
    weights: &Weights,
    prefix: &str,
    table: Table,
    names: impl Fn(&str, &Table) -> Vec<(String, View)>,
) -> Result<Weights, WeightsError> {
    let selected = weights.select(|key| names(key, &table))?;
    Ok(Weights { naming: Some(Naming { prefix: prefix.to_string(), table: Arc::new(table) }), ..selected })
}

/// Selects CLIP's text encoder, whose names are the same in both layouts; some files have its image encoder and projections
/// too.
fn clip(weights: &Weights, prefix: &str, is_projected: bool) -> Result<Weights, WeightsError> {
    let modules = ["text_model.", "embeddings.", "encoder.", "final_layer_norm."];
    let mut table = Table::default();
    for module in modules.map(|module| module.trim_end_matches('.')).into_iter().chain(["text_projection"]) {
        table.row(module, module);
    }
    renamed(weights, prefix, table, |key, _| match key.strip_prefix(prefix) {
        // Two names of stable-diffusion.cpp for tensors of OpenCLIP.
        Some("text_model.text_projection") if is_projected => vec![(PROJECTION.to_string(), View::Transposed)],
        Some(name) if name.contains(".self_attn.in_proj.") => {
            let third = |(i, part)| (name.replace(".in_proj.", &format!(".{part}_proj.")), View::Third(i));
            ["q", "k", "v"].into_iter().enumerate().map(third).collect()
        }
        Some(name) if modules.iter().any(|module| name.starts_with(module)) || (is_projected && name == PROJECTION) => {
            vec![(name.to_string(), View::Whole)]
        }
        _ => Vec::new(),
    })
}

/// Returns a tensor's names in the diffusers layout. An unknown tensor keeps its name, and is later reported as unknown.
pub(crate) fn part(key: &str, prefix: &str, table: &Table) -> Vec<(String, View)> {
    let Some(name) = key.strip_prefix(prefix) else { return Vec::new() };
    let names = table.to_diffusers(name);
    if names.is_empty() { vec![(key.to_string(), View::Whole)] } else { names }
}

/// The same for OpenCLIP's text encoder, whose last layer, scale of logits and mask are not read.
fn text_part(key: &str, prefix: &str, table: &Table) -> Vec<(String, View)> {
    key.strip_prefix(prefix).map_or_else(Vec::new, |name| table.to_diffusers(name))
}

/// Reads the prediction from a tensor called `v_pred` or from the metadata: modelspec.prediction_type and, for 2.x,
/// modelspec.architecture of the specification, and ComfyUI's modelspec.predict_key.
fn prediction(weights: &Weights) -> Option<Predicted> {
    if weights.shape("v_pred").is_some() {
        return Some(Predicted::V);
    }
    let value = |key: &str| weights.metadata().get(key).map(|value| value.to_lowercase());
    for key in ["modelspec.prediction_type", "modelspec.predict_key"] {
        match value(key).as_deref() {
            Some("v" | "v_prediction" | "v-prediction") => return Some(Predicted::V),
            Some("epsilon" | "eps") => return Some(Predicted::Epsilon),
            Some(other) => return Some(Predicted::Other(format!("{key} is {other:?}"))),
            None => {}
        }
    }
    match value("modelspec.architecture")?.as_str() {
        "stable-diffusion-v2-768-v" => Some(Predicted::V),
        "stable-diffusion-v2-512" => Some(Predicted::Epsilon),
        _ => None,
    }
}
