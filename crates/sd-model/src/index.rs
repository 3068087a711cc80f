use crate::ModelError;
use crate::config::Json;
use crate::folder::Folder;

/// Reads `model_index.json` and the model's class.
pub(crate) fn read_index(folder: &Folder) -> Result<(Json, String), ModelError> {
    if !folder.has_file("model_index.json")? {
        let reason = "it has no model_index.json; is this a model in the diffusers layout?".to_string();
        return Err(ModelError::Folder { folder: folder.path().to_path_buf(), reason });
    }
    let mut index = folder.json("model_index.json")?;
    let class: String = index.require("_class_name")?;
    Ok((index, class))
}

/// Returns the class of a part in `model_index.json`; `None` if the model has no such part.
pub(crate) fn class_of<'a>(index: &'a Json, part: &str) -> Option<&'a str> {
    index.get(part)?.as_array()?.get(1)?.as_str()
}

/// Whether a model draws without text.
///
/// Pixel models are recognised by their own class, because pipelines for other uses have the same parts.
pub(crate) fn is_unconditional(index: &Json, class: &str) -> Result<bool, ModelError> {
    if ["DDPMPipeline", "DDIMPipeline", "PNDMPipeline"].contains(&class) {
        return Ok(true);
    }
    match class_of(index, "unet") {
        Some("UNet2DConditionModel") => Ok(false),
        None if class.starts_with("StableDiffusion") => Ok(false),
        unet => Err(index.error(format!(
            "{class} with a `unet` of class {} is not supported: supported are pipelines with a UNet2DConditionModel, text \
             encoders and an autoencoder, and DDPMPipeline, DDIMPipeline and PNDMPipeline",
            unet.unwrap_or("none")
        ))),
    }
}
