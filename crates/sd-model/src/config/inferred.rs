//! Configs of a single file's networks, in diffusers' format. They are inferred from the names and shapes of the weights,
//! or, where shapes say nothing, from the conventions of the families.

mod adapters;
mod control;
mod vision;

use std::collections::BTreeSet;

use sd_weights::Weights;
use sd_weights::single_file::Family;
use serde_json::{Map, Value, json};

use super::json::Json;
use crate::ModelError;

pub use adapters::t2i_adapter;
pub use control::control_net;
pub(crate) use control::{hint_channels, hint_widths};
pub use vision::vision;

/// Channels per attention head in all networks except the U-Net of 1.x, which has [`HEADS`] heads.
const HEAD_DIM: usize = 64;
const HEADS: usize = 8;
/// Width of the sinusoidal embedding of each of XL's sizes.
const TIME_EMBED_DIM: usize = 256;

/// Infers `unet/config.json`.
///
/// # Errors
///
/// [`ModelError::Config`] if the network is not one of the family.
pub fn unet(weights: &Weights, family: Family) -> Result<Json, ModelError> {
    let resnet = |level: usize, j: usize| format!("down_blocks.{level}.resnets.{j}.conv1.weight");
    let levels = count(weights, |level| resnet(level, 0));
    let channels = (0..levels).map(|level| size(weights, &resnet(level, 0), 0)).collect::<Result<Vec<_>, _>>()?;
    let resnets: Vec<usize> = (0..levels).map(|level| count(weights, |j| resnet(level, j))).collect();
    let down: Vec<Vec<usize>> = (0..levels)
        .map(|level| each(weights, &format!("down_blocks.{level}"), resnets[level]))
        .collect::<Result<_, _>>()?;
    let up: Vec<Vec<usize>> = (0..levels)
        .map(|block| each(weights, &format!("up_blocks.{block}"), resnets[levels - 1 - block] + 1))
        .collect::<Result<_, _>>()?;
    let (mid_block_type, middle) = middle(weights)?;
    // A block without attention gets the depth of its counterpart; the value is not used.
    let mut down_depths: Vec<Value> =
        down.iter().zip(up.iter().rev()).map(|(down, up)| depths(if down.is_empty() { up } else { down })).collect();
    let up_depths: Vec<Value> =
        up.iter().zip(down.iter().rev()).map(|(up, down)| depths(if up.is_empty() { down } else { up })).collect();
    let is_uneven = down_depths.iter().any(Value::is_array) || !up_depths.iter().rev().eq(&down_depths);
    if let (Some(middle), [.., coarsest]) = (middle, &mut down_depths[..]) {
        if down[levels - 1].is_empty() && (up[0].is_empty() || is_uneven) {
            *coarsest = middle.into();
        }
        if *coarsest != middle {
            let found = format!("{middle} layers in the middle, {coarsest} at the coarsest level");
            return Err(error(weights, format!("attention of different depths: {found}")));
        }
    }
    let block_type = |attention: &Vec<usize>, way: &str| match attention.is_empty() {
        true => format!("{way}Block2D"),
        false => format!("CrossAttn{way}Block2D"),
    };
    let heads = channels.iter().map(|channels| if family == Family::Sd1 { HEADS } else { channels / HEAD_DIM });
    let attention = weights.keys().find(|key| key.ends_with("attn2.to_k.weight"));
    let attention = attention.ok_or_else(|| error(weights, "a U-Net that reads no text".into()))?;
    let mut config = json!({
        "in_channels": size(weights, "conv_in.weight", 1)?,
        "out_channels": size(weights, "conv_out.weight", 0)?,
        "block_out_channels": channels,
        "layers_per_block": per_level(&resnets),
        "down_block_types": down.iter().map(|attention| block_type(attention, "Down")).collect::<Vec<_>>(),
        "mid_block_type": mid_block_type,
        "up_block_types": up.iter().map(|attention| block_type(attention, "Up")).collect::<Vec<_>>(),
        "transformer_layers_per_block": same(&down_depths),
        "attention_head_dim": per_level(&heads.collect::<Vec<_>>()),
        "cross_attention_dim": size(weights, attention, 1)?,
    });
    if let Some(width) = guidance_width(weights) {
        config["time_cond_proj_dim"] = width.into();
    }
    if is_uneven {
        config["reverse_transformer_layers_per_block"] = up_depths.into();
    }
    if family.is_xl() {
        config["addition_embed_type"] = "text_time".into();
        config["addition_time_embed_dim"] = TIME_EMBED_DIM.into();
        config["projection_class_embeddings_input_dim"] = size(weights, "add_embedding.linear_1.weight", 1)?.into();
    }
    Ok(object(weights, config))
}

/// Width of the embedding of the guidance scale that a U-Net reads, if it reads one.
pub(crate) fn guidance_width(weights: &Weights) -> Option<usize> {
    weights.shape("time_embedding.cond_proj.weight").and_then(|shape| shape.get(1)).copied()
}

/// Infers `vae/config.json`.
///
/// # Errors
///
/// [`ModelError::Config`] if the network is not one of the family.
pub fn vae(weights: &Weights, family: Family) -> Result<Json, ModelError> {
    let resnet = |level: usize, j: usize| format!("encoder.down_blocks.{level}.resnets.{j}.conv1.weight");
    let levels = count(weights, |level| resnet(level, 0));
    let channels = (0..levels).map(|level| size(weights, &resnet(level, 0), 0)).collect::<Result<Vec<_>, _>>()?;
    let config = json!({
        "_class_name": "AutoencoderKL",
        "in_channels": size(weights, "encoder.conv_in.weight", 1)?,
        "out_channels": size(weights, "decoder.conv_out.weight", 0)?,
        "latent_channels": size(weights, "decoder.conv_in.weight", 1)?,
        "block_out_channels": channels,
        "down_block_types": vec!["DownEncoderBlock2D"; levels],
        "up_block_types": vec!["UpDecoderBlock2D"; levels],
        "layers_per_block": count(weights, |j| resnet(0, j)),
        "scaling_factor": if family.is_xl() { 0.13025 } else { 0.18215 },
        "use_quant_conv": weights.shape("quant_conv.weight").is_some(),
        "use_post_quant_conv": weights.shape("post_quant_conv.weight").is_some(),
    });
    Ok(object(weights, config))
}

/// Infers the `config.json` of an AutoencoderTiny. Keys of the encoder are omitted if there is none.
///
/// # Errors
///
/// [`ModelError::Config`] if the network is not an AutoencoderTiny.
pub fn tiny_vae(weights: &Weights) -> Result<Json, ModelError> {
    let first = "decoder.layers.0.weight";
    let mut config = json!({ "_class_name": "AutoencoderTiny", "latent_channels": size(weights, first, 1)? });
    for side in ["encoder", "decoder"] {
        let blocks = tiny_blocks(weights, side);
        if !blocks.is_empty() {
            let channels = size(weights, &format!("{side}.layers.0.weight"), 0)?;
            config[format!("{side}_block_out_channels")] = vec![channels; blocks.len()].into();
            config[format!("num_{side}_blocks")] = blocks.into();
        }
    }
    Ok(object(weights, config))
}

/// Returns the number of residual blocks of each level of a sequence of layers; a convolution ends the sequence.
fn tiny_blocks(weights: &Weights, side: &str) -> Vec<usize> {
    let index = |key: &str| key.strip_prefix(side)?.strip_prefix(".layers.")?.split('.').next()?.parse::<usize>().ok();
    let indices: BTreeSet<usize> = weights.keys().filter_map(index).collect();
    let mut levels = vec![0];
    for index in indices.into_iter().skip(1) {
        let is_block = weights.shape(&format!("{side}.layers.{index}.conv.0.weight")).is_some();
        match levels.last_mut() {
            Some(blocks) if is_block => *blocks += 1,
            _ => levels.push(0),
        }
    }
    levels.pop();
    levels
}

/// Infers the `config.json` of a CLIP or OpenCLIP text encoder, and its class in `model_index.json`.
///
/// # Errors
///
/// [`ModelError::Config`] if the network is neither.
pub fn text(weights: &Weights, is_open_clip: bool) -> Result<(Json, &'static str), ModelError> {
    let prefix = if weights.keys().any(|key| key.starts_with("text_model.")) { "text_model." } else { "" };
    let size = |key: &str, d| size(weights, &format!("{prefix}{key}"), d);
    let width = size("embeddings.token_embedding.weight", 1)?;
    let projection = weights.shape("text_projection.weight").and_then(|shape| shape.first()).copied();
    let config = json!({
        "vocab_size": size("embeddings.token_embedding.weight", 0)?,
        "hidden_size": width,
        "intermediate_size": size("encoder.layers.0.mlp.fc1.weight", 0)?,
        "num_hidden_layers": count(weights, |i| format!("{prefix}encoder.layers.{i}.mlp.fc1.weight")),
        "num_attention_heads": width / HEAD_DIM,
        "max_position_embeddings": size("embeddings.position_embedding.weight", 0)?,
        "hidden_act": if is_open_clip { "gelu" } else { "quick_gelu" },
        "projection_dim": projection.unwrap_or(width),
        // As in the published configs, 2 stands for the highest id of the prompt.
        "eos_token_id": 2,
    });
    let class = if projection.is_some() { "CLIPTextModelWithProjection" } else { "CLIPTextModel" };
    Ok((object(weights, config), class))
}

/// Returns one value if it is the same for all levels, else a list: some of diffusers' code accepts no list.
fn per_level(values: &[usize]) -> Value {
    same(&values.iter().map(|value| (*value).into()).collect::<Vec<_>>())
}

fn same(values: &[Value]) -> Value {
    match values {
        [first, rest @ ..] if rest.iter().all(|value| value == first) => first.clone(),
        _ => values.into(),
    }
}

/// Layers of a block's transformers; 1 if it has none.
fn depths(attention: &[usize]) -> Value {
    if attention.is_empty() { 1.into() } else { per_level(attention) }
}

/// Class of the middle block and layers of its attention, each `None` if there is none.
fn middle(weights: &Weights) -> Result<(Option<&'static str>, Option<usize>), ModelError> {
    let resnets = count(weights, |j| format!("mid_block.resnets.{j}.conv1.weight"));
    match (resnets, depth(weights, "mid_block.attentions.0")) {
        (0, 0) => Ok((None, None)),
        (1, 0) => Ok((Some("UNetMidBlock2D"), None)),
        (2, layers @ 1..) => Ok((Some("UNetMidBlock2DCrossAttn"), Some(layers))),
        (resnets, layers) => {
            Err(error(weights, format!("a middle of {resnets} residual blocks and {layers} layers of attention")))
        }
    }
}

/// Counts the tensors with the names `key(0)`, `key(1)` and so on.
pub(super) fn count(weights: &Weights, key: impl Fn(usize) -> String) -> usize {
    (0..).take_while(|i| weights.shape(&key(*i)).is_some()).count()
}

/// Layers of a transformer.
fn depth(weights: &Weights, transformer: &str) -> usize {
    count(weights, |k| format!("{transformer}.transformer_blocks.{k}.attn1.to_q.weight"))
}

/// Layers of each of a block's transformers; empty for a block without attention.
fn each(weights: &Weights, block: &str, transformers: usize) -> Result<Vec<usize>, ModelError> {
    let depths: Vec<usize> = (0..transformers).map(|j| depth(weights, &format!("{block}.attentions.{j}"))).collect();
    match depths.iter().filter(|depth| **depth > 0).count() {
        0 => Ok(Vec::new()),
        found if found == transformers => Ok(depths),
        _ => Err(error(weights, format!("{block} has attention after only some of its residual blocks, {depths:?}"))),
    }
}

pub(super) fn size(weights: &Weights, key: &str, dimension: usize) -> Result<usize, ModelError> {
    match weights.shape(key).and_then(|shape| shape.get(dimension)) {
        Some(size) => Ok(*size),
        None => Err(error(weights, format!("`{key}` is missing or has an unexpected shape"))),
    }
}

fn object(weights: &Weights, config: Value) -> Json {
    let map: Map<String, Value> = config.as_object().cloned().unwrap_or_default();
    Json::new(weights.origin(), map)
}

pub(super) fn error(weights: &Weights, reason: String) -> ModelError {
    ModelError::Config {
        file: weights.origin().to_path_buf(),
        reason: format!("{reason}: this network is not supported"),
    }
}
