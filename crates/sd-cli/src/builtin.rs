//! The built-in model, with the feature `scenes`.

use std::path::Path;

use sd_engine::BuiltInModel;
#[cfg(feature = "scenes")]
use sd_pipeline::Defaults;
use sd_pipeline::{Choices, Model, ModelError};

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

/// The model and its control network, for a library.
#[cfg(feature = "scenes")]
pub fn model() -> Option<BuiltInModel> {
    Some(BuiltInModel {
        name: "scenes",
        files: sd_scenes_model::FILES,
        defaults: Defaults { steps: Some(sd_scenes_model::STEPS), guidance: Some(sd_scenes_model::GUIDANCE) },
        control: Some(("scenes-edges", sd_scenes_control::FILES)),
    })
}

/// The model and its control network, for a library.
#[cfg(not(feature = "scenes"))]
pub fn model() -> Option<BuiltInModel> {
    None
}

fn open_builtin(choices: &Choices) -> Result<Model, ModelError> {
    let missing = "is missing: this program was built without the built-in model (feature `scenes`)";
    let missing = || sd_pipeline::RequestError::new(sd_pipeline::Field::Model, missing);
    model().ok_or_else(missing)?.open(choices)
}
