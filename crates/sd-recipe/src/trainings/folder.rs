//! Model folders.

use std::fs;
use std::path::Path;

use burn::tensor::FloatDType;
use serde_json::Value;

use crate::run::write;
use crate::{Recipe, RecipeError};

/// The precision that weights are saved in.
pub(super) fn dtype(recipe: &Recipe) -> Result<FloatDType, RecipeError> {
    match recipe.samples.dtype.as_str() {
        "f32" => Ok(FloatDType::F32),
        "f16" => Ok(FloatDType::F16),
        "bf16" => Ok(FloatDType::BF16),
        other => Err(recipe.wrong(format!("`samples.dtype` is {other:?}, expected \"f32\", \"f16\" or \"bf16\""))),
    }
}

/// Writes a JSON file.
pub(super) fn write_json(file: &Path, value: &Value) -> Result<(), RecipeError> {
    write(file, format!("{value:#}\n").as_bytes())
}

/// Writes the scheduler's config as the recipe has it; `class` is the sampler that diffusers takes where it names none.
pub(super) fn begin_scheduler(recipe: &Recipe, model: &Path, class: &str) -> Result<(), RecipeError> {
    let folder = model.join("scheduler");
    create(&folder)?;
    let mut scheduler = recipe.scheduler.clone().unwrap_or_default();
    scheduler.entry("_class_name").or_insert_with(|| class.into());
    write_json(&folder.join("scheduler_config.json"), &scheduler.into())
}

/// Makes a folder.
pub(super) fn create(folder: &Path) -> Result<(), RecipeError> {
    fs::create_dir_all(folder).map_err(RecipeError::io(folder))
}

/// Copies the files of a folder.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), RecipeError> {
    create(to)?;
    for entry in fs::read_dir(from).map_err(RecipeError::io(from))? {
        let file = entry.map_err(RecipeError::io(from))?.path();
        if let (true, Some(name)) = (file.is_file(), file.file_name()) {
            let bytes = fs::read(&file).map_err(RecipeError::io(&file))?;
            write(&to.join(name), &bytes)?;
        }
    }
    Ok(())
}
