use sd_unet::{AdditionConfig, UnetConfig, UnetLevel};
use serde::Deserialize;
use serde_json::Value;

use super::json::{Json, PerLevel};
use crate::ModelError;

/// Reads `unet/config.json`: the network, and the width and height of the latents it was trained on.
///
/// # Errors
///
/// [`ModelError::Config`] if something is missing or not supported.
pub fn unet_config(json: &mut Json) -> Result<(UnetConfig, (usize, usize)), ModelError> {
    json.only("_class_name", "UNet2DConditionModel")?;
    let time_cond_proj_dim = json.take("time_cond_proj_dim")?;
    let self_conditioning = json.take_or("self_conditioning", false)?;
    if let Some(width @ ..4) = time_cond_proj_dim {
        return Err(json.error(format!("`time_cond_proj_dim` is {width}, expected at least 4")));
    }
    let (config, sample_size) = blocks(json)?;
    let mut layers = config.levels.iter().flat_map(|level| level.down_attention.iter().chain(&level.up_attention));
    if layers.any(|layers| *layers == 0) {
        return Err(json.error("`transformer_layers_per_block` has a 0 for a level with attention".into()));
    }
    Ok((UnetConfig { time_cond_proj_dim, self_conditioning, ..config }, sample_size))
}

/// Reads the blocks of a network of any class; their attention may have no layers, but only projections.
pub(super) fn blocks(json: &mut Json) -> Result<(UnetConfig, (usize, usize)), ModelError> {
    refuse_other_architectures(json)?;
    let is_old = json.get("_diffusers_version").and_then(Value::as_str).is_some_and(is_before_0_9);
    let sample_size = json.sample_size(64)?;
    let config = UnetConfig {
        in_channels: json.count_or("in_channels", 4)?,
        out_channels: json.count_or("out_channels", 4)?,
        norm_num_groups: json.count_or("norm_num_groups", 32)?,
        norm_eps: json.take_or("norm_eps", 1e-5)?,
        cross_attention_dim: cross_attention_dim(json)?,
        addition: addition(json)?,
        time_cond_proj_dim: None,
        self_conditioning: false,
        levels: Vec::new(),
        mid_resnets: 0,
        mid_attention: 0,
    };
    let config = levels(json, config)?;
    json.only("time_embedding_dim", 4 * config.levels[0].channels)?;
    json.finish()?;
    check(json, &config)?;
    // diffusers' StableDiffusionPipeline does the same: these versions wrote 32 for models trained on 64.
    let sample_size = match sample_size {
        (width, height) if is_old && config.addition.is_none() && width == height && width < 64 => (64, 64),
        other => other,
    };
    Ok((config, sample_size))
}

/// Whether a version of diffusers is older than 0.9.
fn is_before_0_9(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < (0, 9)
}

/// Refuses all but the supported value of options that select another network.
fn refuse_other_architectures(json: &mut Json) -> Result<(), ModelError> {
    json.only("act_fn", "silu")?;
    json.only("attention_type", "default")?;
    json.only("conv_in_kernel", 3)?;
    json.only("conv_out_kernel", 3)?;
    json.only("downsample_padding", 1)?;
    json.only("flip_sin_to_cos", true)?;
    json.only("freq_shift", 0)?;
    json.only("mid_block_scale_factor", 1)?;
    json.only("resnet_out_scale_factor", 1.0)?;
    json.only("resnet_time_scale_shift", "default")?;
    json.only("time_embedding_type", "positional")?;
    json.off(&[
        "center_input_sample",
        "class_embed_type",
        "class_embeddings_concat",
        "cross_attention_norm",
        "dual_cross_attention",
        "encoder_hid_dim",
        "encoder_hid_dim_type",
        "mid_block_only_cross_attention",
        "num_attention_heads",
        "num_class_embeds",
        "only_cross_attention",
        "resnet_skip_time_act",
        "self_conditioning",
        "time_cond_proj_dim",
        "time_embedding_act_fn",
        "timestep_post_act",
    ])?;
    // For training, for half precision, and for the weights' shapes, which the reader of the weights sees anyway.
    json.ignore(&["dropout", "upcast_attention", "use_linear_projection", "addition_embed_type_num_heads"]);
    Ok(())
}

fn cross_attention_dim(json: &mut Json) -> Result<usize, ModelError> {
    let widths = match json.take_or("cross_attention_dim", PerLevel::One(1280))? {
        PerLevel::One(width) => vec![width],
        PerLevel::Each(widths) => widths,
    };
    match widths.first() {
        Some(&width) if width > 0 && widths.iter().all(|&w| w == width) => Ok(width),
        _ => {
            Err(json.error(format!("`cross_attention_dim` is {widths:?}, only one width for all levels is supported")))
        }
    }
}

fn addition(json: &mut Json) -> Result<Option<AdditionConfig>, ModelError> {
    let (time, input) = ("addition_time_embed_dim", "projection_class_embeddings_input_dim");
    match json.take::<String>("addition_embed_type")?.as_deref() {
        None => {
            json.ignore(&[time, input]);
            Ok(None)
        }
        Some("text_time") => {
            Ok(Some(AdditionConfig { time_embed_dim: json.require(time)?, input_dim: json.require(input)? }))
        }
        Some(other) => Err(json.error(format!("`addition_embed_type` is {other:?}, only \"text_time\" is supported"))),
    }
}

/// Adds the levels and the middle block to a config.
fn levels(json: &mut Json, config: UnetConfig) -> Result<UnetConfig, ModelError> {
    let channels = json.channels("block_out_channels", Some(vec![320, 640, 1280, 1280]))?;
    let count = channels.len();
    let mut per_level = |key: &str, default| -> Result<Vec<usize>, ModelError> {
        json.take_or(key, PerLevel::One(default))?.spread(json, key, count)
    };
    let resnets = per_level("layers_per_block", 2)?;
    // The key is misnamed in diffusers: it holds the number of heads.
    let heads = per_level("attention_head_dim", 8)?;
    json.check_layers("layers_per_block", &resnets)?;
    let depths = Depths::take(json, count)?;
    let down = block_types(json, "down_block_types", "DownBlock2D", "CrossAttnDownBlock2D", count)?;
    let mut up = block_types(json, "up_block_types", "UpBlock2D", "CrossAttnUpBlock2D", count)?;
    up.reverse();
    let level = |i: usize| -> Result<UnetLevel, ModelError> {
        let layers = |attends: bool, way: &[PerLevel], resnets| match attends {
            true => way[i].clone().spread_over(json, "transformer_layers_per_block", resnets, "residual block"),
            false => Ok(Vec::new()),
        };
        Ok(UnetLevel {
            channels: channels[i],
            resnets: resnets[i],
            down_attention: layers(down[i], &depths.down, resnets[i])?,
            up_attention: layers(up[i], &depths.up, resnets[i] + 1)?,
            heads: heads[i],
        })
    };
    let levels = (0..count).map(level).collect::<Result<_, _>>()?;
    let (mid_resnets, mid_attention) = middle(json, &depths.down[count - 1])?;
    Ok(UnetConfig { levels, mid_resnets, mid_attention, ..config })
}

/// Transformer layers of each level on both ways, the finest level first.
struct Depths {
    down: Vec<PerLevel>,
    up: Vec<PerLevel>,
}

impl Depths {
    /// Reads one value for each level, or a list with one for each of its residual blocks (SSD-1B).
    fn take(json: &mut Json, levels: usize) -> Result<Self, ModelError> {
        let (forward, backward) = ("transformer_layers_per_block", "reverse_transformer_layers_per_block");
        let down = match json.take::<Nested>(forward)?.unwrap_or(Nested::One(1)) {
            Nested::One(layers) => vec![PerLevel::One(layers); levels],
            Nested::Each(layers) => layers,
        };
        // Listed in the order of the way up, the coarsest level first.
        let up = json.take::<Vec<PerLevel>>(backward)?.map(|layers| layers.into_iter().rev().collect());
        let up: Vec<PerLevel> = up.unwrap_or_else(|| down.clone());
        for (key, way) in [(forward, &down), (backward, &up)] {
            if way.len() != levels {
                return Err(json.error(format!("`{key}` has {} values, expected one per level, {levels}", way.len())));
            }
            let layers: Vec<usize> = way.iter().flat_map(PerLevel::values).copied().collect();
            json.check_layers(key, &layers)?;
        }
        Ok(Self { down, up })
    }
}

/// One value for all levels, or one for each level, which may itself be a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Nested {
    One(usize),
    Each(Vec<PerLevel>),
}

/// Reads the number of residual blocks in the middle, and of attention layers after the first of them.
fn middle(json: &mut Json, coarsest: &PerLevel) -> Result<(usize, usize), ModelError> {
    // Null means no middle block, but an absent key means the default.
    let kind = json.remove("mid_block_type").unwrap_or("UNetMidBlock2DCrossAttn".into());
    match (kind.as_str(), coarsest.values()) {
        _ if kind.is_null() => Ok((0, 0)),
        (Some("UNetMidBlock2D"), _) => Ok((1, 0)),
        (Some("UNetMidBlock2DCrossAttn"), [layers]) if *layers > 0 => Ok((2, *layers)),
        (Some("UNetMidBlock2DCrossAttn"), layers) => Err(json.error(format!(
            "`transformer_layers_per_block` ends with {layers:?}, expected one value of at least 1 for the middle"
        ))),
        _ => Err(json.error(format!(
            "`mid_block_type` is {kind}, only \"UNetMidBlock2DCrossAttn\", \"UNetMidBlock2D\" and null are supported"
        ))),
    }
}

/// Reads a list of block types: whether each block has attention.
pub(super) fn block_types(
    json: &mut Json,
    key: &str,
    plain: &str,
    attending: &str,
    count: usize,
) -> Result<Vec<bool>, ModelError> {
    let types: Vec<String> = json.require(key)?;
    if types.len() != count {
        return Err(json.error(format!("`{key}` has {} values, expected one per level, {count}", types.len())));
    }
    let has_attention = |name: String| match name {
        name if name == attending => Ok(true),
        name if name == plain => Ok(false),
        name => Err(json.error(format!("`{key}` has {name:?}, only {plain} and {attending} are supported"))),
    };
    types.into_iter().map(has_attention).collect()
}

/// Refuses configurations with which the network would panic.
fn check(json: &Json, config: &UnetConfig) -> Result<(), ModelError> {
    for level in &config.levels {
        let &UnetLevel { channels, resnets, heads, .. } = level;
        if channels == 0 || !channels.is_multiple_of(config.norm_num_groups) {
            let groups = config.norm_num_groups;
            return Err(json.error(format!("{channels} channels do not divide into `norm_num_groups`, {groups}")));
        }
        if heads == 0 || !channels.is_multiple_of(heads) {
            return Err(
                json.error(format!("{channels} channels do not divide into {heads} heads (`attention_head_dim`)"))
            );
        }
        if resnets == 0 {
            return Err(json.error("`layers_per_block` is 0, expected at least 1".into()));
        }
    }
    Ok(())
}
