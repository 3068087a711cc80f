use crate::ModelError;
use crate::config::Json;
use crate::folder::Folder;

/// Reads `model_index.json`: itself, and the class of the model.
pub(crate) fn read_index(folder: &Folder) -> Result<(Json, String), ModelError> {
    if !folder.has_file("model_index.json")? {
        let reason = "no model_index.json in it; is this a model in the diffusers layout?".to_string();
        return Err(ModelError::Folder { folder: folder.path().to_path_buf(), reason });
    }
    let mut index = folder.json("model_index.json")?;
    let class: String = index.require("_class_name")?;
    Ok((index, class))
}

/// What `model_index.json` names as the class of a part; none where the model has no such part.
pub(crate) fn class_of<'a>(index: &'a Json, part: &str) -> Option<&'a str> {
    index.get(part)?.as_array()?.get(1)?.as_str()
}

/// Whether a model draws without a text, by its parts: other classes of pipelines have the same, and are for other uses.
pub(crate) fn is_unconditional(index: &Json, class: &str) -> Result<bool, ModelError> {
    if ["DDPMPipeline", "DDIMPipeline", "PNDMPipeline"].contains(&class) {
        return Ok(true);
    }
    match class_of(index, "unet") {
        Some("UNet2DConditionModel") => Ok(false),
        None if class.starts_with("StableDiffusion") => Ok(false),
        unet => Err(index.error(format!(
            "a {class} with `unet` of class {}: supported are pipelines with a UNet2DConditionModel, text encoders and an \
             autoencoder, and DDPMPipeline, DDIMPipeline and PNDMPipeline",
            unet.unwrap_or("none")
        ))),
    }
}
