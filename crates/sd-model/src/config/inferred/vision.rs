use sd_weights::Weights;
use serde_json::json;

use super::{HEAD_DIM, count, error, object, size};
use crate::ModelError;
use crate::config::Json;

/// Width of ViT-L/14 and of the only published encoders of CLIP's own non-linearity.
const LARGE: usize = 1024;
/// Heads of ViT-L/14 and all larger ones, whatever their width; smaller ones have heads of [`HEAD_DIM`] channels.
const HEADS: usize = 16;

/// Infers the `config.json` of a CLIP image encoder, from weights with transformers' names.
///
/// An encoder of ViT-L's width or less is taken for CLIP's own, and a wider one for OpenCLIP's: their non-linearities differ,
/// which no shape tells.
///
/// # Errors
///
/// [`ModelError::Config`] if the network is neither.
pub fn vision(weights: &Weights) -> Result<Json, ModelError> {
    let embedding = |name: &str, d| size(weights, &format!("vision_model.embeddings.{name}"), d);
    let width = embedding("class_embedding", 0)?;
    let patch = embedding("patch_embedding.weight", 2)?;
    let patches = embedding("position_embedding.weight", 0)?.saturating_sub(1);
    if patches == 0 || patches.isqrt().pow(2) != patches {
        return Err(error(weights, format!("an image encoder of {patches} patches, which are no square")));
    }
    let layer = |i: usize| format!("vision_model.encoder.layers.{i}.mlp.fc1.weight");
    let mut config = json!({
        "architectures": ["CLIPVisionModel"],
        "hidden_size": width,
        "intermediate_size": size(weights, &layer(0), 0)?,
        "num_hidden_layers": count(weights, layer),
        "num_attention_heads": if width < LARGE { (width / HEAD_DIM).max(1) } else { HEADS },
        "image_size": patches.isqrt().saturating_mul(patch),
        "patch_size": patch,
        "hidden_act": if width <= LARGE { "quick_gelu" } else { "gelu" },
    });
    if let Some([projection, _]) = weights.shape("visual_projection.weight") {
        config["architectures"] = vec!["CLIPVisionModelWithProjection"].into();
        config["projection_dim"] = (*projection).into();
    }
    Ok(object(weights, config))
}
