use sd_clip::ClipVisionConfig;
use serde_json::Value;

use super::clip::{activation, check_heads};
use super::json::Json;
use crate::ModelError;

/// Reads an image encoder's `config.json`, or that of a whole CLIP.
///
/// Only the keys that shape the network are read. The many other keys of transformers are about training.
///
/// # Errors
///
/// [`ModelError::Config`] if something is not supported.
pub fn vision_config(mut json: Json) -> Result<ClipVisionConfig, ModelError> {
    let classes: Option<Vec<String>> = json.take("architectures")?;
    let is_plain = classes.is_some_and(|classes| classes == ["CLIPVisionModel"]);
    if let Some(mut vision) = json.take_object("vision_config")? {
        json.only("model_type", "clip")?;
        // A whole CLIP projects texts and images to one width.
        if let Some(width) = json.take::<Value>("projection_dim")? {
            vision.set("projection_dim", width);
        }
        json = vision;
    }
    json.only("model_type", "clip_vision_model")?;
    json.only("num_channels", 3)?;
    let projection_dim = json.count_or("projection_dim", 512)?;
    let config = ClipVisionConfig {
        hidden_size: json.count_or("hidden_size", 768)?,
        intermediate_size: json.count_or("intermediate_size", 3072)?,
        num_hidden_layers: json.layers_or("num_hidden_layers", 12)?,
        num_attention_heads: json.count_or("num_attention_heads", 12)?,
        image_size: json.count_or("image_size", 224)?,
        patch_size: json.count_or("patch_size", 32)?,
        hidden_act: activation(&mut json)?,
        layer_norm_eps: json.take_or("layer_norm_eps", 1e-5)?,
        projection_dim: (!is_plain).then_some(projection_dim),
    };
    check_heads(&json, config.hidden_size, config.num_attention_heads)?;
    if config.patch_size > config.image_size {
        let (patch, image) = (config.patch_size, config.image_size);
        return Err(json.error(format!("`patch_size` is {patch}, expected at most `image_size`, {image}")));
    }
    Ok(config)
}
