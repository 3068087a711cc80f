use std::path::Path;

use burn::tensor::Device;
use sd_clip::{Activation, ClipTextConfig, Vocabulary};
use sd_unet::{AdditionConfig, UnetConfig, UnetLevel};
use sd_vae::AutoencoderKlConfig;
use sd_weights::parameters;
use sd_weights::single_file::Family;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::model::{weights, write_weights};
use crate::single_file::{Numbers, Part, SingleTensor, single_tensors};

/// A tiny model that keeps to all conventions of its family, CLIP's vocabulary among them, so that a single file of it
/// can be read without configs: a folder in the diffusers layout, removed when this is dropped.
#[derive(Debug)]
pub struct TinyFamily {
    family: Family,
    folder: TempDir,
}

impl TinyFamily {
    /// Writes the folder, with seeded weights in half precision.
    ///
    /// # Panics
    ///
    /// Panics where that fails.
    pub fn new(family: Family) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tiny = Self { family, folder };
        let device = Device::flex();
        for (i, config) in tiny.text().iter().enumerate() {
            let [encoder, tokenizer] = [("text_encoder", i), ("tokenizer", i)].map(numbered);
            tiny.write_json(&format!("{encoder}/config.json"), &text_config(config));
            write_weights(
                tiny.name(),
                &encoder,
                &config.init(&device),
                &tiny.path().join(encoder.clone() + "/model.safetensors"),
            );
            std::fs::create_dir_all(tiny.path().join(&tokenizer)).expect("the temporary folder can be written");
            for (file, text) in Vocabulary::clip().files(77) {
                // All but the first encoder of XL and that of 1.x are padded with the token 0.
                let pads_with_zero = family == Family::Sd2 || i == 1;
                let text = if pads_with_zero {
                    text.replace(r#""pad_token": "<|endoftext|>""#, r#""pad_token": "!""#)
                } else {
                    text
                };
                std::fs::write(tiny.path().join(&tokenizer).join(file), text)
                    .expect("the temporary folder can be written");
            }
        }
        tiny.write_json("unet/config.json", &tiny.unet_config());
        tiny.write_json("vae/config.json", &vae_config(&tiny.vae()));
        tiny.write_json("scheduler/scheduler_config.json", &tiny.scheduler());
        tiny.write_json("model_index.json", &tiny.index());
        let file = |part: &str| tiny.path().join(part).join("diffusion_pytorch_model.safetensors");
        write_weights(tiny.name(), "unet", &tiny.unet().init(&device), &file("unet"));
        write_weights(tiny.name(), "vae", &tiny.vae().init(&device), &file("vae"));
        tiny
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The same weights by the names of a single file, with what such files have beside them: tensors that are not read
    /// are not finite.
    pub fn single_tensors(&self) -> Vec<SingleTensor> {
        let device = Device::flex();
        let seeded = |part: &str, parameters: Vec<(String, Vec<usize>)>| -> Vec<(String, Vec<usize>, Numbers)> {
            let numbers = |(key, shape): (String, Vec<usize>)| {
                let numbers = weights(self.name(), part, &key, &shape);
                (key, shape, numbers)
            };
            parameters.into_iter().map(numbers).collect()
        };
        let mut tensors =
            single_tensors(Part::Unet, self.family, seeded("unet", parameters(&self.unet().init(&device))));
        tensors.extend(single_tensors(Part::Vae, self.family, seeded("vae", parameters(&self.vae().init(&device)))));
        for (i, config) in self.text().iter().enumerate() {
            let part = numbered(("text_encoder", i));
            tensors.extend(single_tensors(
                Part::Text(i),
                self.family,
                seeded(&part, parameters(&config.init(&device))),
            ));
        }
        tensors
    }

    fn name(&self) -> &'static str {
        match self.family {
            Family::Sd1 => "family/sd1",
            Family::Sd2 => "family/sd2",
            Family::Xl => "family/xl",
        }
    }

    fn text(&self) -> Vec<ClipTextConfig> {
        let text = |num_hidden_layers, hidden_act, projection_dim| ClipTextConfig {
            hidden_size: 64,
            intermediate_size: 96,
            num_hidden_layers,
            num_attention_heads: 1,
            hidden_act,
            projection_dim,
            ..ClipTextConfig::sd1()
        };
        match self.family {
            Family::Sd1 => vec![text(2, Activation::QuickGelu, None)],
            Family::Sd2 => vec![text(23, Activation::Gelu, None)],
            Family::Xl => vec![text(3, Activation::QuickGelu, None), text(2, Activation::Gelu, Some(64))],
        }
    }

    fn unet(&self) -> UnetConfig {
        let level = |channels, attention, heads| UnetLevel::even(channels, 2, attention, heads);
        let tiny = UnetConfig { cross_attention_dim: 64, ..UnetConfig::sd1() };
        match self.family {
            Family::Sd1 => UnetConfig { levels: vec![level(32, 1, 8), level(64, 0, 8)], ..tiny },
            Family::Sd2 => UnetConfig { levels: vec![level(64, 1, 1), level(128, 0, 2)], ..tiny },
            Family::Xl => UnetConfig {
                levels: vec![level(64, 0, 1), level(64, 1, 1), level(128, 2, 2)],
                mid_attention: 2,
                cross_attention_dim: 128,
                addition: Some(AdditionConfig { time_embed_dim: 256, input_dim: 6 * 256 + 64 }),
                ..tiny
            },
        }
    }

    fn vae(&self) -> AutoencoderKlConfig {
        AutoencoderKlConfig {
            block_out_channels: vec![32, 64],
            layers_per_block: 1,
            scaling_factor: if self.family == Family::Xl { 0.13025 } else { 0.18215 },
            ..AutoencoderKlConfig::sd()
        }
    }

    fn unet_config(&self) -> Value {
        let config = self.unet();
        let each = |value: &dyn Fn(&UnetLevel) -> usize| config.levels.iter().map(value).collect::<Vec<_>>();
        let types = |attends: &str, plain: &str| -> Vec<String> {
            let name = |level: &UnetLevel| if level.attends() { attends.to_string() } else { plain.to_string() };
            config.levels.iter().map(name).collect()
        };
        let mut up = types("CrossAttnUpBlock2D", "UpBlock2D");
        up.reverse();
        let mut json = json!({
            "_class_name": "UNet2DConditionModel",
            "sample_size": match self.family { Family::Sd1 => 64, Family::Sd2 => 96, Family::Xl => 128 },
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

    /// As published: 1.x names PNDM, 2.x DDIM with v-prediction, XL Euler.
    fn scheduler(&self) -> Value {
        let mut json = json!({
            "beta_schedule": "scaled_linear",
            "beta_start": 0.00085,
            "beta_end": 0.012,
            "clip_sample": false,
            "set_alpha_to_one": false,
            "skip_prk_steps": true,
            "steps_offset": 1,
        });
        let changes = match self.family {
            Family::Sd1 => vec![("_class_name", "PNDMScheduler")],
            Family::Sd2 => vec![("_class_name", "DDIMScheduler"), ("prediction_type", "v_prediction")],
            Family::Xl => vec![("_class_name", "EulerDiscreteScheduler"), ("timestep_spacing", "leading")],
        };
        changes.into_iter().for_each(|(key, value)| json[key] = value.into());
        json
    }

    fn index(&self) -> Value {
        match self.family {
            Family::Xl => json!({
                "_class_name": "StableDiffusionXLPipeline",
                "text_encoder": ["transformers", "CLIPTextModel"],
                "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
            }),
            _ => json!({ "_class_name": "StableDiffusionPipeline", "text_encoder": ["transformers", "CLIPTextModel"] }),
        }
    }

    fn write_json(&self, file: &str, value: &Value) {
        let file = self.path().join(file);
        std::fs::create_dir_all(file.parent().expect("it is in the folder"))
            .expect("the temporary folder can be written");
        std::fs::write(file, value.to_string()).expect("the temporary folder can be written");
    }
}

fn numbered((name, index): (&str, usize)) -> String {
    if index == 0 { name.to_string() } else { format!("{name}_{}", index + 1) }
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
