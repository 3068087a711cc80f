use sd_unet::{AdditionConfig, UnetConfig, UnetLevel};

use super::json::{Json, PerLevel};
use crate::Error;

/// `unet/config.json`: the network, and the width and height of its training latents.
///
/// # Errors
///
/// [`Error::Config`] for what is not supported.
pub fn unet_config(mut json: Json) -> Result<(UnetConfig, usize), Error> {
    json.only("_class_name", "UNet2DConditionModel")?;
    refuse_other_architectures(&mut json)?;
    let sample_size = json.count_or("sample_size", 64)?;
    let config = UnetConfig {
        in_channels: json.count_or("in_channels", 4)?,
        out_channels: json.count_or("out_channels", 4)?,
        norm_num_groups: json.count_or("norm_num_groups", 32)?,
        norm_eps: json.take_or("norm_eps", 1e-5)?,
        cross_attention_dim: cross_attention_dim(&mut json)?,
        addition: addition(&mut json)?,
        levels: Vec::new(),
        mid_attention: 0,
    };
    let config = levels(&mut json, config)?;
    json.finish()?;
    check(&json, &config)?;
    Ok((config, sample_size))
}

/// Options that make another network, at the only value this one has.
fn refuse_other_architectures(json: &mut Json) -> Result<(), Error> {
    json.only("act_fn", "silu")?;
    json.only("attention_type", "default")?;
    json.only("conv_in_kernel", 3)?;
    json.only("conv_out_kernel", 3)?;
    json.only("downsample_padding", 1)?;
    json.only("flip_sin_to_cos", true)?;
    json.only("freq_shift", 0)?;
    json.only("mid_block_scale_factor", 1)?;
    json.only("mid_block_type", "UNetMidBlock2DCrossAttn")?;
    json.only("resnet_out_scale_factor", 1.0)?;
    json.only("resnet_time_scale_shift", "default")?;
    json.only("time_embedding_type", "positional")?;
    // Of training, of memory in half precision, and the shape of keys, which the reader sees itself.
    json.ignore(&["dropout", "upcast_attention", "use_linear_projection", "addition_embed_type_num_heads"]);
    Ok(())
}

fn cross_attention_dim(json: &mut Json) -> Result<usize, Error> {
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

fn addition(json: &mut Json) -> Result<Option<AdditionConfig>, Error> {
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

/// Adds the levels, and the attention in the middle, to a config.
fn levels(json: &mut Json, config: UnetConfig) -> Result<UnetConfig, Error> {
    let channels = json.channels("block_out_channels", Some(vec![320, 640, 1280, 1280]))?;
    let count = channels.len();
    let mut per_level = |key: &str, default| -> Result<Vec<usize>, Error> {
        json.take_or(key, PerLevel::One(default))?.spread(json, key, count)
    };
    let resnets = per_level("layers_per_block", 2)?;
    // The key is misnamed in diffusers: it holds the number of heads.
    let heads = per_level("attention_head_dim", 8)?;
    let depth = per_level("transformer_layers_per_block", 1)?;
    json.check_layers("layers_per_block", &resnets)?;
    json.check_layers("transformer_layers_per_block", &depth)?;
    let down = block_types(json, "down_block_types", "DownBlock2D", "CrossAttnDownBlock2D", count)?;
    let mut up = block_types(json, "up_block_types", "UpBlock2D", "CrossAttnUpBlock2D", count)?;
    up.reverse();
    let level = |i: usize| UnetLevel {
        channels: channels[i],
        resnets: resnets[i],
        down_attention: if down[i] { depth[i] } else { 0 },
        up_attention: if up[i] { depth[i] } else { 0 },
        heads: heads[i],
    };
    Ok(UnetConfig { levels: (0..count).map(level).collect(), mid_attention: depth[count - 1], ..config })
}

/// Whether each block of a list has attention.
pub(super) fn block_types(
    json: &mut Json,
    key: &str,
    plain: &str,
    attending: &str,
    count: usize,
) -> Result<Vec<bool>, Error> {
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

/// What the network would panic over.
fn check(json: &Json, config: &UnetConfig) -> Result<(), Error> {
    for level in &config.levels {
        let UnetLevel { channels, resnets, heads, .. } = *level;
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
    if config.mid_attention == 0 {
        return Err(json.error("`transformer_layers_per_block` ends with 0, expected at least 1".into()));
    }
    Ok(())
}
