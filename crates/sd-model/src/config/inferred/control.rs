use sd_weights::Weights;
use serde_json::json;

use super::{HEAD_DIM, HEADS, TIME_EMBED_DIM, count, depth, error, middle, object, per_level, size};
use crate::ModelError;
use crate::config::{CONTROL_NET, Json, UNION};

/// Width of the text in 2.x, whose attention heads have as many channels as XL's.
const SD2: usize = 1024;
const GROUPS: usize = 32;
/// The first convolution of the image.
const FIRST: &str = "controlnet_cond_embedding.conv_in.weight";

/// Infers the `config.json` of a ControlNet from weights with the names of the diffusers layout.
///
/// Shapes do not tell the heads of its attention and the groups of its norms. They are those of the published networks, or, if
/// these do not divide the channels, any that do; a network belongs to a U-Net, which has the same.
///
/// # Errors
///
/// [`ModelError::Config`] if the network is none.
pub fn control_net(weights: &Weights) -> Result<Json, ModelError> {
    let resnet = |level: usize, j: usize| format!("down_blocks.{level}.resnets.{j}.conv1.weight");
    let levels = count(weights, |level| resnet(level, 0));
    if levels == 0 {
        return Err(error(weights, "no residual blocks".into()));
    }
    let channels = (0..levels).map(|level| size(weights, &resnet(level, 0), 0)).collect::<Result<Vec<_>, _>>()?;
    let resnets: Vec<usize> = (0..levels).map(|level| count(weights, |j| resnet(level, j))).collect();
    let transformer = |level: usize| format!("down_blocks.{level}.attentions.0");
    let attends = |level: &usize| weights.shape(&format!("{}.norm.weight", transformer(*level))).is_some();
    let (mid_block_type, middle) = middle(weights)?;
    let mut depths: Vec<usize> = (0..levels).map(|level| depth(weights, &transformer(level))).collect();
    if let (Some(middle), false) = (middle, attends(&(levels - 1))) {
        depths[levels - 1] = middle;
    }
    let text = weights.keys().find(|key| key.ends_with("attn2.to_k.weight"));
    let text = text.map(|key| size(weights, key, 1)).transpose()?;
    let is_xl = weights.shape("add_embedding.linear_1.weight").is_some();
    // Without attention, the width of the text is of no importance.
    let text = text.unwrap_or(if is_xl { 2048 } else { 768 });
    let heads = channels.iter().map(|channels| if is_xl || text == SD2 { channels / HEAD_DIM } else { HEADS });
    let heads = heads.zip(&channels).map(|(heads, channels)| common_divisor(heads, *channels));
    let groups = channels.iter().fold(GROUPS, |groups, channels| common_divisor(groups, *channels));
    let kinds = weights.shape("task_embedding").map(|_| size(weights, "task_embedding", 0)).transpose()?;
    let block_type = |level| if attends(&level) { "CrossAttnDownBlock2D" } else { "DownBlock2D" };
    let mut config = json!({
        "_class_name": if kinds.is_some() { UNION } else { CONTROL_NET },
        "in_channels": size(weights, "conv_in.weight", 1)?,
        "conditioning_channels": hint_channels(weights)?,
        "conditioning_embedding_out_channels": hint_widths(weights)?,
        "block_out_channels": channels,
        "layers_per_block": per_level(&resnets),
        "down_block_types": (0..levels).map(block_type).collect::<Vec<_>>(),
        "mid_block_type": mid_block_type,
        "transformer_layers_per_block": depths,
        "attention_head_dim": per_level(&heads.collect::<Vec<_>>()),
        "norm_num_groups": groups,
        "cross_attention_dim": text,
    });
    if is_xl {
        config["addition_embed_type"] = "text_time".into();
        config["addition_time_embed_dim"] = TIME_EMBED_DIM.into();
        config["projection_class_embeddings_input_dim"] = size(weights, "add_embedding.linear_1.weight", 1)?.into();
    }
    if let Some(kinds) = kinds {
        let width = size(weights, "task_embedding", 1)?;
        config["num_control_type"] = kinds.into();
        config["num_trans_channel"] = width.into();
        config["num_proj_channel"] = size(weights, "spatial_ch_projs.weight", 0)?.into();
        config["num_trans_layer"] = count(weights, |i| format!("transformer_layes.{i}.ln_1.weight")).into();
        config["addition_time_embed_dim"] =
            (size(weights, "control_add_embedding.linear_1.weight", 1)? / kinds.max(1)).into();
    }
    Ok(object(weights, config))
}

/// Returns the channels of the image that a ControlNet reads.
///
/// # Errors
///
/// [`ModelError::Config`] if it reads none.
pub(crate) fn hint_channels(weights: &Weights) -> Result<usize, ModelError> {
    size(weights, FIRST, 1)
}

/// Returns the widths of the embedding of that image; after each pair of convolutions, its size halves.
///
/// # Errors
///
/// As [`hint_channels`].
pub(crate) fn hint_widths(weights: &Weights) -> Result<Vec<usize>, ModelError> {
    let block = |i: usize| format!("controlnet_cond_embedding.blocks.{i}.weight");
    let halvings = count(weights, block) / 2;
    let first = std::iter::once(size(weights, FIRST, 0));
    first.chain((0..halvings).map(|i| size(weights, &block(2 * i + 1), 0))).collect()
}

/// Returns the greatest number that divides both (Euclid).
fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a.max(1) } else { common_divisor(b, a % b) }
}
