use std::path::{Path, PathBuf};
use std::sync::Arc;

use sd_clip::{Padding, Tokenizer};
use sd_schedule::Prediction;
use sd_weights::WeightsError;
use sd_weights::single_file::{Family, Predicted, SingleFile, WeightSet};
use serde_json::{Map, Value, json};

use crate::ModelError;
use crate::config::{Json, SchedulerConfig, clip_config, inferred, unet_config};
use crate::few_steps::predicts_image;
use crate::model::{Defaults, Kind, Model};
use crate::text_part::TextPart;
use crate::text_to_image::TextToImage;
use crate::vae::VaePart;

/// Choices that complete or override a model's files.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// The U-Net's prediction; `None` for the one that the model's files name, or else its family's usual one.
    pub prediction: Option<Prediction>,
    /// Which of a single file's two sets of weights to take.
    pub average: WeightSet,
    /// Another autoencoder instead of the model's own: a folder with its `config.json`, the folder of a whole model, or a
    /// file with the tensor names of the original program or of diffusers.
    pub vae: Option<PathBuf>,
    /// The U-Net of another model of the same family instead of the model's own: a file with the tensor names of the original
    /// program or of diffusers, such as a GGUF file without the other parts.
    pub unet: Option<PathBuf>,
}

/// Opens a single file with the configs of its family's published models.
pub(crate) fn open(path: &Path, choices: &Choices) -> Result<Model, ModelError> {
    let file = SingleFile::open(path, choices.average)?;
    let family = file.family;
    let (prediction, note) = prediction(&file, choices, path)?;
    let configs = Configs::infer(&file, path, prediction)?;
    let (unet_config, sample_size) = configs.unet.strictly(unet_config)?;
    let mut notes: Vec<String> = note.into_iter().collect();
    let vae = match (&choices.vae, file.vae) {
        (Some(chosen), _) => VaePart::chosen(chosen, &unet_config, &mut notes)?,
        (None, Some(weights)) => VaePart::from_weights(weights, family)?,
        (None, None) => {
            let (file, what) = (path.to_path_buf(), "a model without its autoencoder".into());
            let remedy = "name one with `vae`, a file or a folder, or get the whole checkpoint".into();
            return Err(WeightsError::NotAModel { file, what, remedy }.into());
        }
    };
    let factor = vae.config.factor();
    let default_size = (sample_size.0 * factor, sample_size.1 * factor);
    let text = file.text.into_iter().zip(configs.text).zip(paddings(family));
    let text = text.map(|((weights, (config, class)), padding)| -> Result<TextPart, ModelError> {
        let tokenizer = Arc::new(Tokenizer::clip(*padding));
        Ok(TextPart { tokenizer, config: clip_config(config, class)?, weights, added: Vec::new() })
    });
    let parts = TextToImage {
        zeros_for_no_negative: family == Family::Xl,
        wants_aesthetic_score: family == Family::XlRefiner,
        text: text.collect::<Result<_, _>>()?,
        unet_config,
        vae,
    };
    parts.check().map_err(|reason| ModelError::Folder { folder: path.to_path_buf(), reason })?;
    Ok(Model {
        kind: Kind::Text(Box::new(parts)),
        scheduler: configs.scheduler.strictly(SchedulerConfig::from_json)?,
        default_size,
        unet_weights: file.unet,
        notes,
        defaults: Defaults::default(),
        few_steps: None,
        own_few_steps: None,
        loras: Vec::new(),
        controls: Vec::new(),
        image_adapters: Vec::new(),
        mapped: None,
        int8: false,
    })
}

/// The configs that a folder of the same model would have.
pub(crate) struct Configs {
    pub unet: Json,
    pub scheduler: Json,
    /// Configs of the text encoders, each with its class in `model_index.json`.
    pub text: Vec<(Json, &'static str)>,
}

impl Configs {
    /// Infers the configs from the weights' shapes and the family's published folders.
    pub fn infer(file: &SingleFile, path: &Path, prediction: Prediction) -> Result<Self, ModelError> {
        let family = file.family;
        // The text encoder with `!` as padding is OpenCLIP in both families.
        let text = file.text.iter().zip(paddings(family));
        let text = text.map(|(weights, padding)| inferred::text(weights, *padding == Padding::Exclamation));
        Ok(Self {
            unet: inferred::unet(&file.unet, family)?.with("sample_size", sample_size(family, prediction)),
            scheduler: Json::new(path, scheduler(file, prediction)),
            text: text.collect::<Result<_, _>>()?,
        })
    }
}

/// Returns the padding of prompts for each of a family's text encoders.
pub(crate) fn paddings(family: Family) -> &'static [Padding] {
    match family {
        Family::Sd1 => &[Padding::End],
        Family::Sd2 => &[Padding::Exclamation],
        Family::Xl => &[Padding::End, Padding::Exclamation],
        Family::XlRefiner => &[Padding::Exclamation],
    }
}

/// Returns the U-Net's prediction, and a note if it was assumed.
///
/// # Errors
///
/// [`WeightsError::NotAModel`] if the file names a prediction other than noise or velocity.
pub(crate) fn prediction(
    file: &SingleFile,
    choices: &Choices,
    path: &Path,
) -> Result<(Prediction, Option<String>), ModelError> {
    /// Training steps of the published 2-base model, by which diffusers recognises it.
    const BASE_STEPS: u64 = 875_000;
    Ok(match (choices.prediction, &file.prediction, file.family) {
        (Some(prediction), ..) => (prediction, None),
        (None, Some(Predicted::V), _) => (Prediction::V, None),
        (None, Some(Predicted::Epsilon), _) => (Prediction::Eps, None),
        (None, Some(Predicted::Other(name)), _) => {
            let (file, what) = (path.to_path_buf(), format!("a model with another prediction, {name}"));
            let remedy = "only v and epsilon are supported; if it is one of them, choose it with `prediction`".into();
            return Err(WeightsError::NotAModel { file, what, remedy }.into());
        }
        (None, None, Family::Xl) if predicts_image(path) => (Prediction::X0, None),
        (None, None, Family::Sd2) if file.global_step == Some(BASE_STEPS) => (Prediction::Eps, None),
        (None, None, Family::Sd2) => {
            let path = path.display();
            let note = format!(
                "{path} does not say what its U-Net predicts: v is assumed, as in Stable Diffusion 2.x for 768 pixels; \
                 models made from 2-base or 2.1-base need `prediction` eps"
            );
            (Prediction::V, Some(note))
        }
        (None, None, Family::Sd1 | Family::Xl | Family::XlRefiner) => (Prediction::Eps, None),
    })
}

/// Returns the width and height of the latents that the family was trained on.
fn sample_size(family: Family, prediction: Prediction) -> usize {
    match (family, prediction) {
        (Family::Sd2, Prediction::V) => 96,
        (Family::Sd1 | Family::Sd2, _) => 64,
        (Family::Xl | Family::XlRefiner, _) => 128,
    }
}

/// Returns the published `scheduler_config.json` of the family.
fn scheduler(file: &SingleFile, prediction: Prediction) -> Map<String, Value> {
    let (class, spacing) = match file.family {
        Family::Sd1 => ("PNDMScheduler", None),
        Family::Sd2 => ("DDIMScheduler", None),
        Family::Xl | Family::XlRefiner => ("EulerDiscreteScheduler", Some("leading")),
    };
    // Only the last timestep is pure noise, and only this spacing starts there (Lin et al. 2024, section 3.3).
    let spacing = if file.zero_terminal_snr { Some("trailing") } else { spacing };
    let mut config = json!({
        "_class_name": class,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "num_train_timesteps": 1000,
        "clip_sample": false,
        "set_alpha_to_one": false,
        "skip_prk_steps": true,
        "steps_offset": 1,
        "prediction_type": prediction.name(),
    });
    // diffusers does not accept null for the spacing, nor the other key in all classes.
    if let Some(spacing) = spacing {
        config["timestep_spacing"] = spacing.into();
    }
    if file.zero_terminal_snr {
        config["rescale_betas_zero_snr"] = true.into();
    }
    config.as_object().cloned().unwrap_or_default()
}
