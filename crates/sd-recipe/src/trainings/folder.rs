//! Model folders.

use std::fs;
use std::path::Path;

use burn::tensor::FloatDType;
use sd_model::config::Json;
use sd_weights::Weights;
use serde_json::Value;

use crate::files::{files, write};
use crate::{Recipe, RecipeError};

/// The precision of the saved weights, `samples.dtype`.
pub(super) fn weights_precision(recipe: &Recipe) -> Result<FloatDType, RecipeError> {
    match recipe.samples.weights_precision.as_str() {
        "f32" => Ok(FloatDType::F32),
        "f16" => Ok(FloatDType::F16),
        "bf16" => Ok(FloatDType::BF16),
        other => Err(recipe.wrong(format!("`samples.dtype` is {other:?}, expected \"f32\", \"f16\" or \"bf16\""))),
    }
}

/// Opens the weights of a U-Net or an autoencoder; reads their headers only.
pub(super) fn weights(folder: &Path) -> Result<Weights, RecipeError> {
    Ok(Weights::in_folder(folder, "diffusion_pytorch_model")?)
}

/// Writes a JSON file.
pub(super) fn write_json(file: &Path, value: &Value) -> Result<(), RecipeError> {
    write(file, format!("{value:#}\n").as_bytes())
}

/// Writes the scheduler's config of the recipe or of its start folder, and returns its class, by default `class`.
pub(super) fn write_scheduler(recipe: &Recipe, model: &Path, class: &str) -> Result<String, RecipeError> {
    let folder = model.join("scheduler");
    let file = folder.join("scheduler_config.json");
    match &recipe.start {
        Some(start) => copy(&start.join("scheduler"), &folder)?,
        None => {
            create(&folder)?;
            let mut scheduler = recipe.scheduler_table();
            scheduler.entry("_class_name").or_insert_with(|| class.into());
            write_json(&file, &scheduler.into())?;
        }
    }
    let written = Json::read(&file)?;
    Ok(written.get("_class_name").and_then(Value::as_str).unwrap_or(class).to_string())
}

/// Creates a folder.
pub(super) fn create(folder: &Path) -> Result<(), RecipeError> {
    fs::create_dir_all(folder).map_err(RecipeError::io(folder))
}

/// Copies the files of a folder.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), RecipeError> {
    create(to)?;
    for file in files(from)? {
        let bytes = fs::read(&file).map_err(RecipeError::io(&file))?;
        write(&to.join(file.file_name().unwrap_or_default()), &bytes)?;
    }
    Ok(())
}

/// Whether `other` has all files of a folder, with the same contents.
pub(super) fn is_copy(folder: &Path, other: &Path) -> Result<bool, RecipeError> {
    for file in files(folder)? {
        let bytes = fs::read(&file).map_err(RecipeError::io(&file))?;
        if fs::read(other.join(file.file_name().unwrap_or_default())).ok() != Some(bytes) {
            return Ok(false);
        }
    }
    Ok(true)
}
