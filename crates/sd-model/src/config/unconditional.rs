use sd_unet::{UnconditionalLevel, UnconditionalUnetConfig};
use serde_json::Value;

use super::json::Json;
use super::unet::block_types;
use crate::ModelError;

/// Reads the `config.json` of a U-Net that works on pixels: the network, and the width and height of the images it was
/// trained on.
///
/// # Errors
///
/// [`ModelError::Config`] if something is missing or not supported.
pub fn unconditional_config(json: &mut Json) -> Result<(UnconditionalUnetConfig, (usize, usize)), ModelError> {
    json.only("_class_name", "UNet2DModel")?;
    refuse_other_architectures(json)?;
    if json.get("sample_size").is_none_or(Value::is_null) {
        return Err(json.error("`sample_size` is missing".into()));
    }
    let sample_size = json.sample_size(1)?;
    let config = UnconditionalUnetConfig {
        in_channels: json.count_or("in_channels", 3)?,
        out_channels: json.count_or("out_channels", 3)?,
        levels: levels(json)?,
        layers_per_block: json.layers_or("layers_per_block", 2)?,
        mid_attention: json.take_or("add_attention", true)?,
        attention_head_dim: head_dim(json)?,
        norm_num_groups: json.count_or("norm_num_groups", 32)?,
        norm_eps: json.take_or("norm_eps", 1e-5)?,
        flip_sin_to_cos: json.take_or("flip_sin_to_cos", true)?,
        freq_shift: json.take_or("freq_shift", 0)?,
        downsample_padding: json.take_or("downsample_padding", 1)?,
        self_conditioning: json.take_or("self_conditioning", false)?,
    };
    json.only("attn_norm_num_groups", config.norm_num_groups)?;
    json.only("time_embedding_dim", 4 * config.levels[0].channels)?;
    json.finish()?;
    check(json, &config)?;
    Ok((config, sample_size))
}

/// Refuses all but the supported value of options that select another network.
fn refuse_other_architectures(json: &mut Json) -> Result<(), ModelError> {
    json.only("act_fn", "silu")?;
    json.only("center_input_sample", false)?;
    json.only("downsample_type", "conv")?;
    json.only("mid_block_scale_factor", 1)?;
    json.only("mid_block_type", "UNetMidBlock2D")?;
    json.only("resnet_time_scale_shift", "default")?;
    json.only("time_embedding_type", "positional")?;
    json.only("upsample_type", "conv")?;
    json.off(&["class_embed_type", "num_class_embeds"])?;
    // For training, and for another time embedding.
    json.ignore(&["dropout", "num_train_timesteps"]);
    Ok(())
}

fn levels(json: &mut Json) -> Result<Vec<UnconditionalLevel>, ModelError> {
    let channels = json.channels("block_out_channels", None)?;
    let down = block_types(json, "down_block_types", "DownBlock2D", "AttnDownBlock2D", channels.len())?;
    let mut up = block_types(json, "up_block_types", "UpBlock2D", "AttnUpBlock2D", channels.len())?;
    up.reverse();
    let attention = down.into_iter().zip(up);
    let level =
        |(channels, (down_attention, up_attention))| UnconditionalLevel { channels, down_attention, up_attention };
    Ok(channels.into_iter().zip(attention).map(level).collect())
}

/// Null means a single head, but an absent key means the default.
fn head_dim(json: &mut Json) -> Result<Option<usize>, ModelError> {
    match json.get("attention_head_dim") {
        None => Ok(Some(8)),
        Some(_) => json.take("attention_head_dim"),
    }
}

/// Refuses configurations with which the network would panic, or whose outputs are not images.
fn check(json: &Json, config: &UnconditionalUnetConfig) -> Result<(), ModelError> {
    let inputs = if config.self_conditioning { 6 } else { 3 };
    if config.in_channels != inputs || ![3, 6].contains(&config.out_channels) {
        let reason = "`in_channels` must be 3: red, green, blue, or 6 with `self_conditioning`; and `out_channels` 3, or 6 with a \
                      learned variance";
        return Err(json.error(reason.into()));
    }
    if !config.levels[0].channels.is_multiple_of(2) {
        return Err(json.error("`block_out_channels` starts with an odd number".into()));
    }
    if config.downsample_padding > 1 {
        let padding = config.downsample_padding;
        return Err(json.error(format!("`downsample_padding` is {padding}, only 0 and 1 are supported")));
    }
    for (i, level) in config.levels.iter().enumerate() {
        let (channels, groups) = (level.channels, config.norm_num_groups);
        if channels == 0 || !channels.is_multiple_of(groups) {
            return Err(json.error(format!("{channels} channels do not divide into `norm_num_groups`, {groups}")));
        }
        let attends =
            level.down_attention || level.up_attention || (config.mid_attention && i + 1 == config.levels.len());
        let dim = config.attention_head_dim.unwrap_or(channels);
        if dim == 0 || (attends && !channels.is_multiple_of(dim)) {
            return Err(
                json.error(format!("{channels} channels do not divide into heads of `attention_head_dim`, {dim}"))
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(config: &Value) -> Result<(UnconditionalUnetConfig, (usize, usize)), String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, config.to_string()).unwrap();
        unconditional_config(&mut Json::read(&file).unwrap()).map_err(|error| error.to_string())
    }

    /// As published for DDPM's network for CIFAR-10.
    fn cifar10() -> Value {
        json!({
            "_class_name": "UNet2DModel",
            "_diffusers_version": "0.0.4",
            "act_fn": "silu",
            "attention_head_dim": null,
            "block_out_channels": [128, 256, 256, 256],
            "center_input_sample": false,
            "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
            "downsample_padding": 0,
            "flip_sin_to_cos": false,
            "freq_shift": 1,
            "in_channels": 3,
            "layers_per_block": 2,
            "mid_block_scale_factor": 1,
            "norm_eps": 1e-06,
            "norm_num_groups": 32,
            "out_channels": 3,
            "sample_size": 32,
            "time_embedding_type": "positional",
            "up_block_types": ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
        })
    }

    fn changed(key: &str, value: Value) -> Value {
        let mut config = cifar10();
        config[key] = value;
        config
    }

    #[test]
    fn the_published_configs_are_the_networks_of_the_paper() {
        assert_eq!(read(&cifar10()), Ok((UnconditionalUnetConfig::ddpm_cifar10(), (32, 32))));
        let mut celebahq = changed("block_out_channels", json!([128, 128, 256, 256, 512, 512]));
        let types = |way: &str, attention: usize| -> Value {
            (0..6).map(|i| format!("{}{way}Block2D", if i == attention { "Attn" } else { "" })).collect()
        };
        (celebahq["down_block_types"], celebahq["up_block_types"]) = (types("Down", 4), types("Up", 1));
        celebahq["sample_size"] = 256.into();
        assert_eq!(read(&celebahq), Ok((UnconditionalUnetConfig::ddpm_256(), (256, 256))));
    }

    #[test]
    fn heads_have_eight_channels_if_the_key_is_absent() {
        let mut config = cifar10();
        config.as_object_mut().unwrap().remove("attention_head_dim");
        assert_eq!(read(&config).unwrap().0.attention_head_dim, Some(8));
    }

    #[test]
    fn six_output_channels_are_a_learned_variance() {
        assert_eq!(read(&changed("out_channels", json!(6))).unwrap().0.out_channels, 6);
    }

    #[test]
    fn errors_for_other_networks_name_the_key() {
        for (key, value) in [
            ("time_embedding_type", json!("fourier")),
            ("downsample_padding", json!(2)),
            ("attention_head_dim", json!(0)),
            ("attention_head_dim", json!(7)),
            ("attn_norm_num_groups", json!(8)),
            ("class_embed_type", json!("timestep")),
            ("num_class_embeds", json!(10)),
            ("down_block_types", json!(["SkipDownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D"])),
            ("mid_block_scale_factor", json!(std::f64::consts::SQRT_2)),
            ("norm_num_groups", json!(3)),
            ("norm_num_groups", json!(u64::MAX)),
            ("layers_per_block", json!(129)),
            ("block_out_channels", json!(vec![128; 13])),
            ("block_out_channels", json!([128, 256, 256, 1u64 << 40])),
            ("out_channels", json!(4)),
            ("in_channels", json!(6)),
            ("self_conditioning", json!(true)),
            ("resnet_time_scale_shift", json!("scale_shift")),
            ("sample_size", json!([32, 64, 3])),
            ("sample_size", json!(0)),
            ("upsample_type", json!("resnet")),
        ] {
            let error = read(&changed(key, value)).unwrap_err();
            assert!(error.contains(&format!("`{key}`")), "{error}");
        }
    }
}
