//! Tiny models that follow all conventions of their family, including CLIP's vocabulary.

use std::fs::create_dir_all;
use std::path::Path;

use sd_clip::{Activation, ClipTextConfig, Vocabulary};
use sd_unet::{AdditionConfig, UnetConfig, UnetLevel};
use sd_vae::AutoencoderKlConfig;
use sd_weights::single_file::Family;
use serde_json::{Value, json};

/// Writes the configs and the vocabularies of a model folder.
pub(crate) fn write_configs(family: Family, folder: &Path) {
    let write_json = |file: &str, value: Value| write(&folder.join(file), &value.to_string());
    for (name, config) in &text(family) {
        write_json(&format!("{name}/config.json"), text_config(config));
        let tokenizer = folder.join(name.replace("text_encoder", "tokenizer"));
        for (file, text) in Vocabulary::clip().files(77) {
            // OpenCLIP encoders, those of 2.x and the second of XL, are padded with token 0.
            let pads_with_zero = family == Family::Sd2 || *name == "text_encoder_2";
            let text = if pads_with_zero {
                text.replace(r#""pad_token": "<|endoftext|>""#, r#""pad_token": "!""#)
            } else {
                text
            };
            write(&tokenizer.join(file), &text);
        }
    }
    write_json("unet/config.json", unet_config(family));
    write_json("vae/config.json", vae_config(&vae(family)));
    write_json("scheduler/scheduler_config.json", scheduler(family));
    write_json("model_index.json", index(family));
}

fn write(file: &Path, text: &str) {
    create_dir_all(file.parent().expect("it is in the folder")).expect("the temporary folder can be written");
    std::fs::write(file, text).expect("the temporary folder can be written");
}

pub(crate) fn name(family: Family) -> &'static str {
    match family {
        Family::Sd1 => "family/sd1",
        Family::Sd2 => "family/sd2",
        Family::Xl => "family/xl",
        Family::XlRefiner => "family/xl-refiner",
    }
}

pub(crate) fn text(family: Family) -> Vec<(&'static str, ClipTextConfig)> {
    let text = |num_hidden_layers, hidden_act, projection_dim| ClipTextConfig {
        hidden_size: 64,
        intermediate_size: 96,
        num_hidden_layers,
        num_attention_heads: 1,
        hidden_act,
        projection_dim,
        ..ClipTextConfig::sd1()
    };
    match family {
        Family::Sd1 => vec![("text_encoder", text(2, Activation::QuickGelu, None))],
        Family::Sd2 => vec![("text_encoder", text(23, Activation::Gelu, None))],
        Family::Xl => vec![
            ("text_encoder", text(3, Activation::QuickGelu, None)),
            ("text_encoder_2", text(2, Activation::Gelu, Some(64))),
        ],
        Family::XlRefiner => vec![("text_encoder_2", text(2, Activation::Gelu, Some(64)))],
    }
}

pub(crate) fn unet(family: Family) -> UnetConfig {
    let level = |channels, attention, heads| UnetLevel::even(channels, 2, attention, heads);
    let tiny = UnetConfig { cross_attention_dim: 64, ..UnetConfig::sd1() };
    match family {
        Family::Sd1 => UnetConfig { levels: vec![level(32, 1, 8), level(64, 0, 8)], ..tiny },
        Family::Sd2 => UnetConfig { levels: vec![level(64, 1, 1), level(128, 0, 2)], ..tiny },
        Family::Xl => UnetConfig {
            levels: vec![level(64, 0, 1), level(64, 1, 1), level(128, 2, 2)],
            mid_attention: 2,
            cross_attention_dim: 128,
            addition: Some(AdditionConfig { time_embed_dim: 256, input_dim: 6 * 256 + 64 }),
            ..tiny
        },
        Family::XlRefiner => UnetConfig {
            levels: vec![level(64, 0, 1), level(64, 1, 1), level(64, 1, 1), level(128, 0, 2)],
            addition: Some(AdditionConfig { time_embed_dim: 256, input_dim: 5 * 256 + 64 }),
            ..tiny
        },
    }
}

pub(crate) fn vae(family: Family) -> AutoencoderKlConfig {
    AutoencoderKlConfig {
        block_out_channels: vec![32, 64],
        layers_per_block: 1,
        scaling_factor: if family.is_xl() { 0.13025 } else { 0.18215 },
        ..AutoencoderKlConfig::sd()
    }
}

fn unet_config(family: Family) -> Value {
    let config = unet(family);
    let each = |value: &dyn Fn(&UnetLevel) -> usize| config.levels.iter().map(value).collect::<Vec<_>>();
    let types = |attends: &str, plain: &str| -> Vec<String> {
        let name = |level: &UnetLevel| if level.attends() { attends.to_string() } else { plain.to_string() };
        config.levels.iter().map(name).collect()
    };
    let mut up = types("CrossAttnUpBlock2D", "UpBlock2D");
    up.reverse();
    let mut json = json!({
        "_class_name": "UNet2DConditionModel",
        "sample_size": match family { Family::Sd1 => 64, Family::Sd2 => 96, Family::Xl | Family::XlRefiner => 128 },
        "block_out_channels": each(&|level| level.channels),
        "attention_head_dim": each(&|level| level.heads),
        "transformer_layers_per_block": each(&|level| level.down_attention.first().copied().unwrap_or(1)),
        "cross_attention_dim": config.cross_attention_dim,
        "down_block_types": types("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": up,
    });
    if let Some(addition) = config.addition {
        json["addition_embed_type"] = "text_time".into();
        json["addition_time_embed_dim"] = addition.time_embed_dim.into();
        json["projection_class_embeddings_input_dim"] = addition.input_dim.into();
    }
    json
}

/// The published schedulers: PNDM for 1.x, DDIM with v-prediction for 2.x, Euler for XL.
fn scheduler(family: Family) -> Value {
    let mut json = json!({
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "clip_sample": false,
        "set_alpha_to_one": false,
        "skip_prk_steps": true,
        "steps_offset": 1,
    });
    let changes = match family {
        Family::Sd1 => vec![("_class_name", "PNDMScheduler")],
        Family::Sd2 => vec![("_class_name", "DDIMScheduler"), ("prediction_type", "v_prediction")],
        Family::Xl | Family::XlRefiner => {
            vec![("_class_name", "EulerDiscreteScheduler"), ("timestep_spacing", "leading")]
        }
    };
    changes.into_iter().for_each(|(key, value)| json[key] = value.into());
    json
}

fn index(family: Family) -> Value {
    match family {
        Family::Xl => json!({
            "_class_name": "StableDiffusionXLPipeline",
            "text_encoder": ["transformers", "CLIPTextModel"],
            "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        }),
        Family::XlRefiner => json!({
            "_class_name": "StableDiffusionXLImg2ImgPipeline",
            "text_encoder": [null, null],
            "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
            "requires_aesthetics_score": true,
            "force_zeros_for_empty_prompt": false,
        }),
        Family::Sd1 | Family::Sd2 => {
            json!({ "_class_name": "StableDiffusionPipeline", "text_encoder": ["transformers", "CLIPTextModel"] })
        }
    }
}

fn text_config(config: &ClipTextConfig) -> Value {
    json!({
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "hidden_act": if config.hidden_act == Activation::Gelu { "gelu" } else { "quick_gelu" },
        "projection_dim": config.projection_dim.unwrap_or(config.hidden_size),
        "eos_token_id": config.eos_token_id,
    })
}

fn vae_config(config: &AutoencoderKlConfig) -> Value {
    json!({
        "block_out_channels": config.block_out_channels,
        "layers_per_block": config.layers_per_block,
        "scaling_factor": config.scaling_factor,
        "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
        "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"],
    })
}
