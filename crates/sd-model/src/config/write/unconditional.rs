use sd_unet::{UnconditionalLevel, UnconditionalUnetConfig};
use serde_json::{Value, json};

/// Returns the `model_index.json` of a pixel model without text, with the folders `unet` and `scheduler`; `scheduler` is the class of
/// its scheduler.
pub fn ddpm_model_index(scheduler: &str) -> Value {
    json!({
        "_class_name": "DDPMPipeline",
        "scheduler": ["diffusers", scheduler],
        "unet": ["diffusers", "UNet2DModel"],
    })
}

/// Returns `unet/config.json`; `sample_size` is the width and height of the images it was trained on.
pub fn unconditional_unet_config(config: &UnconditionalUnetConfig, sample_size: usize) -> Value {
    let levels = &config.levels;
    let kind = |has_attention: bool, way: &str| format!("{}{way}Block2D", if has_attention { "Attn" } else { "" });
    let down = |level: &UnconditionalLevel| kind(level.down_attention, "Down");
    let up = |level: &UnconditionalLevel| kind(level.up_attention, "Up");
    let mut json = json!({
        "_class_name": "UNet2DModel",
        "act_fn": "silu",
        "add_attention": config.mid_attention,
        "attention_head_dim": config.attention_head_dim,
        "block_out_channels": levels.iter().map(|level| level.channels).collect::<Vec<_>>(),
        "center_input_sample": false,
        "down_block_types": levels.iter().map(down).collect::<Vec<_>>(),
        "downsample_padding": config.downsample_padding,
        "downsample_type": "conv",
        "flip_sin_to_cos": config.flip_sin_to_cos,
        "freq_shift": config.freq_shift,
        "in_channels": config.in_channels,
        "layers_per_block": config.layers_per_block,
        "mid_block_scale_factor": 1,
        "mid_block_type": "UNetMidBlock2D",
        "norm_eps": config.norm_eps,
        "norm_num_groups": config.norm_num_groups,
        "out_channels": config.out_channels,
        "resnet_time_scale_shift": "default",
        "sample_size": sample_size,
        "time_embedding_type": "positional",
        "up_block_types": levels.iter().rev().map(up).collect::<Vec<_>>(),
        "upsample_type": "conv",
    });
    if config.self_conditioning {
        json["self_conditioning"] = true.into();
    }
    json
}
