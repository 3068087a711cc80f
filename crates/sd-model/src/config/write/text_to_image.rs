use sd_clip::{Activation, ClipTextConfig};
use sd_unet::{UnetConfig, UnetLevel};
use sd_vae::AutoencoderKlConfig;
use serde_json::{Value, json};

/// Returns the `model_index.json` of a model with one text encoder; `scheduler` is the class of its scheduler.
pub fn model_index(scheduler: &str) -> Value {
    json!({
        "_class_name": "StableDiffusionPipeline",
        "feature_extractor": [null, null],
        "requires_safety_checker": false,
        "safety_checker": [null, null],
        "scheduler": ["diffusers", scheduler],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    })
}

/// Returns `unet/config.json`; `sample_size` is the width and height of the latents it was trained on.
///
/// # Panics
///
/// Panics for a network that the file cannot describe: if the middle and the coarsest level have attention of different
/// depths, or if the middle has another combination of residual blocks and attention than diffusers' middle blocks.
pub fn unet_config(config: &UnetConfig, sample_size: usize) -> Value {
    let levels = &config.levels;
    let each = |value: fn(&UnetLevel) -> usize| levels.iter().map(value).collect::<Vec<usize>>();
    let (mid_block_type, middle) = match (config.mid_resnets, config.mid_attention) {
        (0, 0) => (None, None),
        (1, 0) => (Some("UNetMidBlock2D"), None),
        (2, layers @ 1..) => (Some("UNetMidBlock2DCrossAttn"), Some(layers)),
        (resnets, layers) => {
            panic!("config.json cannot describe a middle of {resnets} residual blocks and {layers} layers of attention")
        }
    };
    let mut depths: Vec<Value> = levels
        .iter()
        .map(|level| layers(if level.down_attention.is_empty() { &level.up_attention } else { &level.down_attention }))
        .collect();
    if let (Some(depth), Some(layers)) = (depths.last_mut(), middle) {
        if levels.last().is_some_and(|coarsest| !coarsest.attends()) {
            *depth = layers.into();
        }
        assert_eq!(*depth, layers, "config.json cannot describe attention of another depth in the middle");
    }
    let up_depths: Vec<Value> = levels.iter().map(|level| layers(&level.up_attention)).collect();
    let differs =
        |(level, depth): (&UnetLevel, &Value)| !level.up_attention.is_empty() && layers(&level.up_attention) != *depth;
    let is_uneven = depths.iter().any(Value::is_array) || levels.iter().zip(&depths).any(differs);
    let kind = |has_attention: bool, way: &str| format!("{}{way}Block2D", if has_attention { "CrossAttn" } else { "" });
    let mut json = json!({
        "_class_name": "UNet2DConditionModel",
        "act_fn": "silu",
        "addition_embed_type": config.addition.map(|_| "text_time"),
        "addition_time_embed_dim": config.addition.map(|addition| addition.time_embed_dim),
        // The key is misnamed in diffusers: it holds the number of heads.
        "attention_head_dim": each(|level| level.heads),
        "block_out_channels": each(|level| level.channels),
        "center_input_sample": false,
        "cross_attention_dim": config.cross_attention_dim,
        "down_block_types": levels.iter().map(|level| kind(!level.down_attention.is_empty(), "Down")).collect::<Vec<_>>(),
        "downsample_padding": 1,
        "flip_sin_to_cos": true,
        "freq_shift": 0,
        "in_channels": config.in_channels,
        "layers_per_block": each(|level| level.resnets),
        "mid_block_scale_factor": 1,
        "mid_block_type": mid_block_type,
        "norm_eps": config.norm_eps,
        "norm_num_groups": config.norm_num_groups,
        "out_channels": config.out_channels,
        "projection_class_embeddings_input_dim": config.addition.map(|addition| addition.input_dim),
        "sample_size": sample_size,
        "time_cond_proj_dim": config.time_cond_proj_dim,
        "transformer_layers_per_block": depths,
        "up_block_types": levels.iter().rev().map(|level| kind(!level.up_attention.is_empty(), "Up")).collect::<Vec<_>>(),
        "use_linear_projection": true,
    });
    if config.self_conditioning {
        json["self_conditioning"] = true.into();
    }
    if is_uneven {
        json["reverse_transformer_layers_per_block"] = up_depths.into_iter().rev().collect();
    }
    json
}

/// Returns layers of attention as diffusers writes them: one value if all are the same, and 1 if there are none.
fn layers(attention: &[usize]) -> Value {
    match attention {
        [] => 1.into(),
        [first, rest @ ..] if rest.iter().all(|layers| layers == first) => (*first).into(),
        uneven => uneven.into(),
    }
}

/// Returns `vae/config.json`; `sample_size` is the width and height of the images it was trained on.
pub fn vae_config(config: &AutoencoderKlConfig, sample_size: usize) -> Value {
    let levels = config.block_out_channels.len();
    json!({
        "_class_name": "AutoencoderKL",
        "act_fn": "silu",
        "block_out_channels": config.block_out_channels,
        "down_block_types": vec!["DownEncoderBlock2D"; levels],
        "force_upcast": true,
        "in_channels": config.in_channels,
        "latent_channels": config.latent_channels,
        "layers_per_block": config.layers_per_block,
        "mid_block_add_attention": true,
        "norm_num_groups": config.norm_num_groups,
        "out_channels": config.out_channels,
        "sample_size": sample_size,
        "scaling_factor": config.scaling_factor,
        "up_block_types": vec!["UpDecoderBlock2D"; levels],
        "use_post_quant_conv": config.use_post_quant_conv,
        "use_quant_conv": config.use_quant_conv,
    })
}

/// Returns `text_encoder/config.json`.
pub fn text_encoder_config(config: &ClipTextConfig) -> Value {
    let class = if config.projection_dim.is_some() { "CLIPTextModelWithProjection" } else { "CLIPTextModel" };
    json!({
        "architectures": [class],
        "eos_token_id": config.eos_token_id,
        "hidden_act": match config.hidden_act {
            Activation::QuickGelu => "quick_gelu",
            Activation::Gelu => "gelu",
        },
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "layer_norm_eps": config.layer_norm_eps,
        "max_position_embeddings": config.max_position_embeddings,
        "model_type": "clip_text_model",
        "num_attention_heads": config.num_attention_heads,
        "num_hidden_layers": config.num_hidden_layers,
        "projection_dim": config.projection_dim.unwrap_or(config.hidden_size),
        "vocab_size": config.vocab_size,
    })
}
