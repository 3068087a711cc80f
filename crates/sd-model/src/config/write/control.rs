use sd_unet::{ControlNetConfig, UnetLevel};
use serde_json::{Value, json};

/// Returns the `config.json` of a ControlNet, as diffusers' `ControlNetModel` reads it.
///
/// # Errors
///
/// What the file cannot describe: a union network, levels with different numbers of residual blocks, or attention of different
/// depths within a level or between the coarsest level and the middle.
pub fn controlnet_config(config: &ControlNetConfig) -> Result<Value, String> {
    let levels = &config.unet.levels;
    if config.union.is_some() {
        return Err("a union network is not a ControlNetModel".into());
    }
    if config.unet.time_cond_proj_dim.is_some() {
        return Err("it reads the guidance scale, as the distilled U-Net that it belongs to".into());
    }
    let each = |value: fn(&UnetLevel) -> usize| levels.iter().map(value).collect::<Vec<usize>>();
    let layers_per_block = levels.first().map_or(0, |level| level.resnets);
    if levels.iter().any(|level| level.resnets != layers_per_block) {
        return Err(format!("its levels have {:?} residual blocks, but must have equally many", each(|l| l.resnets)));
    }
    let mid_block_type = match (config.unet.mid_resnets, config.unet.mid_attention) {
        (1, 0) => "UNetMidBlock2D",
        (2, 1..) => "UNetMidBlock2DCrossAttn",
        (resnets, layers) => {
            return Err(format!("its middle has {resnets} residual blocks and {layers} layers of attention"));
        }
    };
    let down_block =
        |level: &UnetLevel| if level.down_attention.is_empty() { "DownBlock2D" } else { "CrossAttnDownBlock2D" };
    let addition = config.unet.addition;
    Ok(json!({
        "_class_name": "ControlNetModel",
        "act_fn": "silu",
        "addition_embed_type": addition.map(|_| "text_time"),
        "addition_time_embed_dim": addition.map(|addition| addition.time_embed_dim),
        // The key is misnamed in diffusers: it holds the number of heads.
        "attention_head_dim": each(|level| level.heads),
        "block_out_channels": each(|level| level.channels),
        "conditioning_channels": config.hint_channels,
        "conditioning_embedding_out_channels": config.hint_widths,
        "controlnet_conditioning_channel_order": if config.bgr { "bgr" } else { "rgb" },
        "cross_attention_dim": config.unet.cross_attention_dim,
        "down_block_types": levels.iter().map(down_block).collect::<Vec<_>>(),
        "downsample_padding": 1,
        "flip_sin_to_cos": true,
        "freq_shift": 0,
        "global_pool_conditions": config.global_pool_conditions,
        "in_channels": config.unet.in_channels,
        "layers_per_block": layers_per_block,
        "mid_block_scale_factor": 1,
        "mid_block_type": mid_block_type,
        "norm_eps": config.unet.norm_eps,
        "norm_num_groups": config.unet.norm_num_groups,
        "projection_class_embeddings_input_dim": addition.map(|addition| addition.input_dim),
        "transformer_layers_per_block": depths(config)?,
        "use_linear_projection": true,
    }))
}

/// The layers of attention at each level; diffusers gives the middle those of the last.
fn depths(config: &ControlNetConfig) -> Result<Vec<usize>, String> {
    let depth = |level: &UnetLevel| match &level.down_attention[..] {
        [] => Ok(1),
        [first, rest @ ..] if rest.iter().all(|layers| layers == first) => Ok(*first),
        uneven => {
            Err(format!("a level has {uneven:?} layers of attention, but must have equally many after each block"))
        }
    };
    let mut depths = config.unet.levels.iter().map(depth).collect::<Result<Vec<usize>, String>>()?;
    let middle = config.unet.mid_attention;
    if let (Some(level), Some(last), 1..) = (config.unet.levels.last(), depths.last_mut(), middle) {
        if level.down_attention.is_empty() {
            *last = middle;
        }
        if *last != middle {
            return Err(format!("its middle has {middle} layers of attention, but its coarsest level has {last}"));
        }
    }
    Ok(depths)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sd_unet::{UnetConfig, UnionConfig};

    use super::*;
    use crate::config::{Json, control_net_config};

    /// Every key is read, and the config comes back.
    fn check(config: ControlNetConfig) {
        let json = controlnet_config(&config).unwrap();
        let json = Json::parse(Path::new("config.json"), &json.to_string()).unwrap();
        assert_eq!(json.strictly(control_net_config).unwrap(), config);
    }

    #[test]
    fn a_config_is_read_as_it_was_written() {
        for unet in [UnetConfig::sd1(), UnetConfig::sd2(), UnetConfig::sdxl()] {
            check(ControlNetConfig::new(unet));
        }
        check(ControlNetConfig::new(UnetConfig::sd1()).with_hint_widths(vec![4, 8]).with_bgr(true));
        check(ControlNetConfig::new(UnetConfig::sd1()).with_hint_channels(1).with_global_pool_conditions(true));
        let coarsest_without_attention = UnetConfig { mid_attention: 3, ..UnetConfig::sd1() };
        check(ControlNetConfig::new(coarsest_without_attention));
    }

    #[test]
    fn what_the_file_cannot_describe_is_named() {
        let reason = |change: fn(&mut ControlNetConfig)| {
            let mut config = ControlNetConfig::new(UnetConfig::sdxl());
            change(&mut config);
            controlnet_config(&config).unwrap_err()
        };
        assert!(reason(|c| c.union = Some(UnionConfig::new(6))).contains("a union network"));
        assert!(reason(|c| c.unet.time_cond_proj_dim = Some(256)).contains("reads the guidance scale"));
        assert!(reason(|c| c.unet.levels[1].resnets = 1).contains("[2, 1, 2] residual blocks"));
        assert!(reason(|c| c.unet.levels[1].down_attention = vec![1, 2]).contains("[1, 2] layers"));
        assert!(reason(|c| c.unet.mid_resnets = 0).contains("its middle has 0 residual blocks"));
        assert!(reason(|c| c.unet.mid_attention = 4).contains("4 layers of attention, but its coarsest level has 10"));
    }
}
