//! The built-in model, with the feature `scenes`.

use std::path::Path;

#[cfg(feature = "scenes")]
use sd_pipeline::Defaults;
use sd_pipeline::{Choices, ControlFile, Model, ModelError};

use crate::progress::Progress;

const NAME: &str = "the built-in model";

/// Opens the model at a path, or else the built-in one.
pub fn open(path: Option<&Path>, choices: &Choices) -> Result<Model, ModelError> {
    path.map_or_else(|| open_builtin(choices), |path| Model::open_with(path, choices))
}

/// The name of the model for messages.
pub fn name(path: Option<&Path>) -> String {
    path.map_or(NAME.into(), |path| path.display().to_string())
}

/// The weight files of the built-in model.
#[cfg(feature = "evaluate")]
pub fn weights() -> impl Iterator<Item = &'static [u8]> {
    #[cfg(feature = "scenes")]
    let files = sd_scenes_model::FILES;
    #[cfg(not(feature = "scenes"))]
    let files: sd_pipeline::BuiltIn = &[];
    files.iter().filter(|(name, _)| name.ends_with(".safetensors")).map(|(_, bytes)| *bytes)
}

#[cfg(feature = "scenes")]
fn open_builtin(choices: &Choices) -> Result<Model, ModelError> {
    let defaults = Defaults { steps: Some(sd_scenes_model::STEPS), guidance: Some(sd_scenes_model::GUIDANCE) };
    Ok(Model::built_in(NAME, sd_scenes_model::FILES, choices)?.with_defaults(defaults))
}

#[cfg(not(feature = "scenes"))]
fn open_builtin(_: &Choices) -> Result<Model, ModelError> {
    let reason = "is missing: this program was built without the built-in model (feature `scenes`)";
    Err(sd_pipeline::RequestError::new(sd_pipeline::Field::Model, reason).into())
}

/// The built-in model's control network.
#[cfg(feature = "scenes")]
pub fn control() -> Result<ControlFile, ModelError> {
    ControlFile::built_in("scenes-edges", sd_scenes_control::FILES)
}

/// The built-in model's control network.
#[cfg(not(feature = "scenes"))]
pub fn control() -> Result<ControlFile, ModelError> {
    let reason =
        "has no network: this program was built without the built-in one (feature `scenes`): name one with model=";
    Err(sd_pipeline::RequestError::new(sd_pipeline::Field::Control, reason).into())
}

/// Warns of words that the model has never seen.
pub fn warn_of_unknown_words(words: &[String], progress: &Progress) {
    if !words.is_empty() {
        progress.warn(&format!(
            "the built-in model of landscapes has never seen {}; `--model FOLDER` draws with a full Stable Diffusion",
            words.join(", ")
        ));
    }
}
