use sd_clip::{Activation, ClipTextConfig};

use super::json::Json;
use crate::ModelError;

/// Reads a text encoder's `config.json`; `class` is its class in `model_index.json`.
///
/// Only the keys that shape the network are read. The many other keys of transformers are about training and generating
/// text.
///
/// # Errors
///
/// [`ModelError::Config`] if something is missing or not supported.
pub fn clip_config(mut json: Json, class: &str) -> Result<ClipTextConfig, ModelError> {
    let has_projection = match class {
        "CLIPTextModel" => false,
        "CLIPTextModelWithProjection" => true,
        other => {
            let supported = "CLIPTextModel and CLIPTextModelWithProjection";
            return Err(json.error(format!("its class in model_index.json is {other}, only {supported} are supported")));
        }
    };
    json.only("model_type", "clip_text_model")?;
    let hidden_act = activation(&mut json)?;
    let projection_dim = json.count_or("projection_dim", 512)?;
    let config = ClipTextConfig {
        vocab_size: json.count_or("vocab_size", 49408)?,
        hidden_size: json.count_or("hidden_size", 512)?,
        intermediate_size: json.count_or("intermediate_size", 2048)?,
        num_hidden_layers: json.layers_or("num_hidden_layers", 12)?,
        num_attention_heads: json.count_or("num_attention_heads", 8)?,
        max_position_embeddings: json.count_or("max_position_embeddings", 77)?,
        hidden_act,
        layer_norm_eps: json.take_or("layer_norm_eps", 1e-5)?,
        eos_token_id: json.take_or("eos_token_id", 49407)?,
        projection_dim: has_projection.then_some(projection_dim),
    };
    check_heads(&json, config.hidden_size, config.num_attention_heads)?;
    Ok(config)
}

/// Reads the non-linearity of a text or an image encoder.
pub(super) fn activation(json: &mut Json) -> Result<Activation, ModelError> {
    match json.take_or("hidden_act", "quick_gelu".to_string())?.as_str() {
        "quick_gelu" => Ok(Activation::QuickGelu),
        "gelu" => Ok(Activation::Gelu),
        other => Err(json.error(format!("`hidden_act` is {other:?}, only \"quick_gelu\" and \"gelu\" are supported"))),
    }
}

/// Refuses a width that does not divide into the heads.
pub(super) fn check_heads(json: &Json, width: usize, heads: usize) -> Result<(), ModelError> {
    match width.is_multiple_of(heads) {
        true => Ok(()),
        false => Err(json.error(format!("`hidden_size` {width} does not divide into `num_attention_heads`, {heads}"))),
    }
}
