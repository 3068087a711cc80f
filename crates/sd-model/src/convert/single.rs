use std::path::Path;

use sd_clip::{ClipTextConfig, Tokenizer};
use sd_schedule::Prediction;
use sd_weights::WeightsWriter;
use sd_weights::single_file::{Family, SingleFile};

use crate::config::{SchedulerConfig, clip_config, inferred, unet_config, vae_config};
use crate::single_file::{Configs, paddings};
use crate::text_to_image::TextToImage;
use crate::vae::VaeConfig;
use crate::{Model, ModelError};

/// Layers of OpenCLIP that are read from a single file of 2.x.
const LAYERS_READ: usize = 23;

/// Prepares the single file of a model, which must follow its family's conventions: a single file has no configs.
pub(super) fn draft(
    model: &Model,
    parts: &TextToImage,
    mut file: SingleFile,
    from: &Path,
) -> Result<WeightsWriter, ModelError> {
    let refuse = |what: &str| ModelError::Folder {
        folder: from.to_path_buf(),
        reason: format!(
            "{what} is not as in the family's published models, and a single file cannot record that: convert to a folder \
             instead"
        ),
    };
    if let Some(what) = differs(model, parts, &file, from) {
        return Err(refuse(what));
    }
    file.zero_terminal_snr = zero_terminal_snr(model, &mut file, from).ok_or_else(|| refuse("its noise schedule"))?;
    Ok(file.joined()?)
}

/// Returns the first property that a reader of the single file would get wrong.
fn differs(model: &Model, parts: &TextToImage, file: &SingleFile, from: &Path) -> Option<&'static str> {
    let VaeConfig::Kl(vae) = &parts.vae.config else {
        return Some("its autoencoder, of class AutoencoderTiny,");
    };
    if model.scheduler.prediction() == Prediction::X0 {
        return Some("its U-Net's prediction, the image itself,");
    }
    if model.learns_variance() {
        return Some("its U-Net's output, which has a learned variance,");
    }
    if parts.zeros_for_no_negative != (file.family == Family::Xl) {
        return Some("its handling of an empty negative prompt");
    }
    let Ok(configs) = Configs::infer(file, from, model.scheduler.prediction()) else {
        return Some("the structure of its networks");
    };
    if !configs.unet.strictly(unet_config).is_ok_and(|(found, _)| found == parts.unet_config) {
        return Some("its U-Net's config");
    }
    let found = file.vae.as_ref().and_then(|weights| inferred::vae(weights, file.family).ok());
    if !found.and_then(|json| json.strictly(vae_config).ok()).is_some_and(|(found, _)| found == *vae) {
        return Some("its autoencoder's config");
    }
    for ((part, (json, class)), padding) in parts.text.iter().zip(configs.text).zip(paddings(file.family)) {
        if !part.tokenizer.agrees_with(&Tokenizer::clip(*padding)) {
            return Some("its tokenizer's vocabulary or padding");
        }
        let is_too_deep = file.family == Family::Sd2 && part.config.num_hidden_layers > LAYERS_READ;
        if is_too_deep || !clip_config(json, class).is_ok_and(|found| found == with_end_as_highest(&part.config)) {
            return Some("its text encoder's config");
        }
    }
    None
}

/// Returns the config with CLIP's end token, 49407, written as 2, which means the highest id of a prompt.
fn with_end_as_highest(config: &ClipTextConfig) -> ClipTextConfig {
    let eos_token_id = if config.eos_token_id == 49407 { 2 } else { config.eos_token_id };
    ClipTextConfig { eos_token_id, ..config.clone() }
}

/// Whether the last timestep is pure noise; `None` if the noise schedule is not that of the families.
fn zero_terminal_snr(model: &Model, file: &mut SingleFile, from: &Path) -> Option<bool> {
    [false, true].into_iter().find(|choice| {
        file.zero_terminal_snr = *choice;
        let configs = Configs::infer(file, from, model.scheduler.prediction());
        let scheduler = configs.and_then(|configs| configs.scheduler.strictly(SchedulerConfig::from_json));
        scheduler.is_ok_and(|scheduler| scheduler.process == model.scheduler.process)
    })
}
