use sd_unet::{ControlNetConfig, UnionConfig};

use super::json::Json;
use super::unet::blocks;
use crate::ModelError;

/// The class of a ControlNet, and of one for several conditions.
pub(crate) const CONTROL_NET: &str = "ControlNetModel";
pub(crate) const UNION: &str = "ControlNetUnionModel";
/// More channels than any network has before its blocks.
const WIDEST: usize = 1 << 16;

/// Reads the `config.json` of a ControlNet.
///
/// # Errors
///
/// [`ModelError::Config`] if something is missing or not supported.
pub fn control_net_config(json: &mut Json) -> Result<ControlNetConfig, ModelError> {
    let class: String = json.take_or("_class_name", CONTROL_NET.to_string())?;
    let union = match class.as_str() {
        CONTROL_NET => None,
        UNION => Some(Union::take(json)?),
        other => {
            return Err(json.error(format!("`_class_name` is {other:?}, only {CONTROL_NET} and {UNION} are supported")));
        }
    };
    let hint_widths: Vec<usize> = match &union {
        Some(_) => json.take_or("conditioning_embedding_out_channels", vec![48, 96, 192, 384])?,
        None => json.take_or("conditioning_embedding_out_channels", vec![16, 32, 96, 256])?,
    };
    let hint_channels = json.count_or("conditioning_channels", 3)?;
    let bgr = match json.take_or("controlnet_conditioning_channel_order", "rgb".to_string())?.as_str() {
        "rgb" => false,
        "bgr" => true,
        other => {
            let key = "controlnet_conditioning_channel_order";
            return Err(json.error(format!("`{key}` is {other:?}, only \"rgb\" and \"bgr\" are supported")));
        }
    };
    let global_pool_conditions = json.take_or("global_pool_conditions", false)?;
    complete(json)?;
    let (unet, _) = blocks(json)?;
    let union = union.map(|union| union.check(json, unet.levels[0].channels)).transpose()?;
    check_hint(json, hint_channels, &hint_widths)?;
    Ok(ControlNetConfig { unet, hint_channels, hint_widths, bgr, global_pool_conditions, union })
}

/// Adds what a ControlNet's config lacks and a U-Net's has: the way up, which is that of the U-Net it belongs to.
fn complete(json: &mut Json) -> Result<(), ModelError> {
    let default = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"];
    let down: Vec<String> = json.take_or("down_block_types", default.map(String::from).to_vec())?;
    let up: Vec<String> = down.iter().rev().map(|name| name.replace("Down", "Up")).collect();
    json.set("up_block_types", up);
    json.set("down_block_types", down);
    // This class reads the key that a U-Net's config must not have.
    if let Some(heads) = json.remove("num_attention_heads").filter(|heads| !heads.is_null()) {
        json.set("attention_head_dim", heads);
    }
    Ok(())
}

/// The keys of a ControlNet for several conditions.
struct Union {
    kinds: usize,
    layers: usize,
    time_embed_dim: usize,
    widths: [(&'static str, usize); 2],
}

impl Union {
    fn take(json: &mut Json) -> Result<Self, ModelError> {
        let time_embed_dim: usize = json.require("addition_time_embed_dim")?;
        // The reader of the blocks reads it again, for the sizes of XL.
        json.set("addition_time_embed_dim", time_embed_dim);
        // It has no effect: every token is a sequence of its own.
        json.ignore(&["num_trans_head"]);
        let width = |json: &mut Json, key| Ok::<_, ModelError>((key, json.count_or(key, 320)?));
        Ok(Self {
            kinds: json.count_or("num_control_type", 6)?,
            layers: json.layers_or("num_trans_layer", 1)?,
            time_embed_dim,
            widths: [width(json, "num_trans_channel")?, width(json, "num_proj_channel")?],
        })
    }

    fn check(self, json: &Json, channels: usize) -> Result<UnionConfig, ModelError> {
        match self.widths.iter().find(|(_, width)| *width != channels) {
            Some((key, width)) => {
                Err(json
                    .error(format!("`{key}` is {width}, only {channels}, as in `block_out_channels`, is supported")))
            }
            None => Ok(UnionConfig { kinds: self.kinds, layers: self.layers, time_embed_dim: self.time_embed_dim }),
        }
    }
}

/// Refuses embeddings of the hint that no network has.
pub(crate) fn check_hint(json: &Json, channels: usize, widths: &[usize]) -> Result<(), ModelError> {
    if ![1, 3].contains(&channels) {
        return Err(json.error(format!("`conditioning_channels` is {channels}, only 3 (an image) and 1 are supported")));
    }
    match widths {
        [_, _, ..] if widths.len() <= 6 && widths.iter().all(|width| (1..=WIDEST).contains(width)) => Ok(()),
        _ => Err(json.error(format!(
            "`conditioning_embedding_out_channels` is {widths:?}, expected 2 to 6 widths of 1 to {WIDEST}"
        ))),
    }
}
