use sd_vae::AutoencoderKlConfig;

use super::json::Json;
use crate::ModelError;

/// Reads `vae/config.json`: the autoencoder, and whether it overflows in half precision.
///
/// # Errors
///
/// [`ModelError::Config`] if something is missing or not supported.
pub fn vae_config(json: &mut Json) -> Result<(AutoencoderKlConfig, bool), ModelError> {
    json.only("_class_name", "AutoencoderKL")?;
    json.only("act_fn", "silu")?;
    json.only("mid_block_add_attention", true)?;
    json.off(&["latents_mean", "latents_std", "shift_factor"])?;
    json.ignore(&["sample_size"]);
    let channels = json.channels("block_out_channels", Some(vec![64]))?;
    block_types(json, "down_block_types", "DownEncoderBlock2D", channels.len())?;
    block_types(json, "up_block_types", "UpDecoderBlock2D", channels.len())?;
    let force_upcast = json.take_or("force_upcast", true)?;
    let config = AutoencoderKlConfig {
        in_channels: json.count_or("in_channels", 3)?,
        out_channels: json.count_or("out_channels", 3)?,
        layers_per_block: json.layers_or("layers_per_block", 1)?,
        latent_channels: json.count_or("latent_channels", 4)?,
        norm_num_groups: json.count_or("norm_num_groups", 32)?,
        scaling_factor: json.take_or("scaling_factor", 0.18215)?,
        use_quant_conv: json.take_or("use_quant_conv", true)?,
        use_post_quant_conv: json.take_or("use_post_quant_conv", true)?,
        block_out_channels: channels,
    };
    json.finish()?;
    check(json, &config)?;
    Ok((config, force_upcast))
}

fn block_types(json: &mut Json, key: &str, supported: &str, count: usize) -> Result<(), ModelError> {
    let types: Vec<String> = json.take_or(key, vec![supported.to_string()])?;
    match types.iter().find(|name| *name != supported) {
        Some(name) => Err(json.error(format!("`{key}` has {name:?}, only {supported} is supported"))),
        None if types.len() != count => {
            Err(json.error(format!("`{key}` has {} values, `block_out_channels` has {count}", types.len())))
        }
        None => Ok(()),
    }
}

/// Refuses configurations with which the autoencoder would panic, or whose outputs are not images.
fn check(json: &Json, config: &AutoencoderKlConfig) -> Result<(), ModelError> {
    let groups = config.norm_num_groups;
    if let Some(channels) = config.block_out_channels.iter().find(|c| **c == 0 || !c.is_multiple_of(groups)) {
        return Err(json.error(format!("{channels} channels do not divide into `norm_num_groups`, {groups}")));
    }
    if (config.in_channels, config.out_channels) != (3, 3) {
        return Err(json.error("`in_channels` and `out_channels` must be 3: red, green, blue".into()));
    }
    if !(config.scaling_factor.is_finite() && config.scaling_factor > 0.0) {
        return Err(json.error(format!("`scaling_factor` is {}, expected a number above 0", config.scaling_factor)));
    }
    Ok(())
}
