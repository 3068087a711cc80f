use std::path::{Path, PathBuf};

use burn::tensor::{Device, FloatDType};
use sd_clip::{ClipText, ClipTextConfig, Tokenizer};
use sd_unet::{Unet, UnetConfig};
use sd_vae::{AutoencoderKl, AutoencoderKlConfig};
use sd_weights::Weights;

use crate::config::{Json, SchedulerConfig, clip_config, unet_config, vae_config};
use crate::{DType, Error, Pipeline, Request, memory};

/// A model folder whose configs, vocabularies and weight headers are read, and whose weights are not yet.
///
/// Requests can be checked against it before gigabytes are loaded.
#[derive(Debug)]
pub struct Model {
    pub(crate) text: Vec<TextPart>,
    pub(crate) unet_config: UnetConfig,
    pub(crate) vae_config: AutoencoderKlConfig,
    pub(crate) scheduler: SchedulerConfig,
    /// Width and height of a picture when none is asked for.
    pub(crate) default_size: usize,
    /// Whether a missing negative prompt means zeros rather than an empty prompt.
    pub(crate) zeros_for_no_negative: bool,
    unet_weights: Weights,
    vae_weights: Weights,
    vae_overflows_in_half: bool,
}

/// A text encoder and the tokenizer that feeds it.
#[derive(Debug)]
pub(crate) struct TextPart {
    pub tokenizer: Tokenizer,
    config: ClipTextConfig,
    weights: Weights,
}

/// The networks of a model, loaded.
#[derive(Debug)]
pub(crate) struct Networks {
    pub text: Vec<ClipText>,
    pub unet: Unet,
    pub vae: AutoencoderKl,
}

impl Model {
    /// Opens a folder of the diffusers layout: `model_index.json`, `scheduler`, `text_encoder`, `tokenizer`, `unet` and
    /// `vae`, and `text_encoder_2` and `tokenizer_2` for XL.
    ///
    /// # Errors
    ///
    /// [`Error`] for anything missing, damaged or not supported.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let (mut index, zeros_for_no_negative) = read_index(folder)?;
        let (unet_config, sample_size) = unet_config(Json::read(&folder.join("unet/config.json"))?)?;
        let (vae_config, vae_overflows_in_half) = vae_config(Json::read(&folder.join("vae/config.json"))?)?;
        let mut text = Vec::new();
        for (encoder, tokenizer) in [("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")] {
            let class = index.take::<(Option<String>, Option<String>)>(encoder)?;
            if let Some((_, Some(class))) = class {
                text.push(TextPart::open(folder, encoder, tokenizer, &class)?);
            }
        }
        let model = Self {
            scheduler: SchedulerConfig::of(Json::read(&folder.join("scheduler/scheduler_config.json"))?)?,
            default_size: sample_size * vae_config.factor(),
            zeros_for_no_negative,
            unet_weights: Weights::in_folder(&folder.join("unet"), "diffusion_pytorch_model")?,
            vae_weights: Weights::in_folder(&folder.join("vae"), "diffusion_pytorch_model")?,
            text,
            unet_config,
            vae_config,
            vae_overflows_in_half,
        };
        model.check_parts().map_err(|reason| Error::Folder { folder: folder.to_path_buf(), reason })?;
        Ok(model)
    }

    /// Whether the parts of the model fit together.
    fn check_parts(&self) -> Result<(), String> {
        let (unet, vae) = (&self.unet_config, &self.vae_config);
        if (unet.in_channels, unet.out_channels) != (vae.latent_channels, vae.latent_channels) {
            return Err(format!(
                "the U-Net takes {} channels and gives {}, but latents have {}: not a text-to-picture model",
                unet.in_channels, unet.out_channels, vae.latent_channels
            ));
        }
        let expected = if unet.addition.is_some() { 2 } else { 1 };
        if self.text.len() != expected {
            return Err(format!("{} text encoders, but this U-Net reads {expected}", self.text.len()));
        }
        let context: usize = self.text.iter().map(|part| part.config.hidden_size).sum();
        if context != unet.cross_attention_dim {
            return Err(format!("the text is {context} wide, but the U-Net reads {}", unet.cross_attention_dim));
        }
        if let Some(addition) = unet.addition {
            let last = &self.text[1].config;
            let width = 6 * addition.time_embed_dim + last.projection_dim.unwrap_or(last.hidden_size);
            if width != addition.input_dim {
                return Err(format!(
                    "sizes and pooled text are {width} wide, but the U-Net reads {}",
                    addition.input_dim
                ));
            }
        }
        for part in &self.text {
            let (tokens, positions) = (part.tokenizer.max_length(), part.config.max_position_embeddings);
            if tokens > positions {
                return Err(format!("the tokenizer makes {tokens} tokens, but the text encoder takes {positions}"));
            }
            let (highest, known) = (part.tokenizer.highest_id() as usize, part.config.vocab_size);
            if highest >= known {
                return Err(format!("the tokenizer has an id {highest}, but the text encoder knows {known} tokens"));
            }
        }
        Ok(())
    }

    /// Whether this is a model of the XL kind: two text encoders, pooled text and sizes.
    pub(crate) fn is_xl(&self) -> bool {
        self.unet_config.addition.is_some()
    }

    /// Checks that a request can be drawn with this model.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] or [`Error::Schedule`] with what to change.
    pub fn check(&self, request: &Request) -> Result<(), Error> {
        request.latent_shape(self)?;
        request.sampler(self)?;
        request.guidance(self)?;
        Ok(())
    }

    /// A request in the words that other programs read from a picture's `parameters`: the prompts, a line each, and
    /// then the settings.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn describe(&self, request: &Request) -> Result<String, Error> {
        let (width, height) = request.size(self)?;
        let negative = request.negative_prompt.as_ref().map(|text| format!("\nNegative prompt: {text}"));
        let schedule = request.schedule.as_ref().map(|schedule| format!(", Schedule type: {schedule}"));
        let options: String = request.options.iter().map(|(option, value)| format!(", {option}: {value}")).collect();
        Ok(format!(
            "{}{}\nSteps: {}, Sampler: {}, CFG scale: {}, Seed: {}, Size: {width}x{height}{}{options}",
            request.prompt,
            negative.unwrap_or_default(),
            request.steps,
            request.sampler_name(self),
            request.guidance(self)?,
            request.seed,
            schedule.unwrap_or_default(),
        ))
    }

    /// The part of a prompt that the text encoder will not see, because the prompt is too long.
    pub fn cut(&self, prompt: &str) -> Option<String> {
        self.text.iter().find_map(|part| part.tokenizer.encode(prompt).cut)
    }

    /// The words of a prompt that the model's tokenizer has to spell. One that [learnt](sd_clip::Vocabulary) its words
    /// from the captions of the training has never seen them.
    pub fn spelt(&self, prompt: &str) -> Vec<String> {
        self.text.first().map(|part| part.tokenizer.spelt(prompt)).unwrap_or_default()
    }

    /// Checks that loading this model and drawing a request with it fits into the machine's free memory.
    ///
    /// Only memory of the CPU is looked at: a graphics card's is not known before it is used.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] where it foreseeably does not fit, and as [`check`](Self::check).
    pub fn check_memory(&self, request: &Request, dtype: DType) -> Result<(), Error> {
        let weights: usize = self.text.iter().map(|part| part.weights.elements()).sum();
        let weights = weights + self.unet_weights.elements() + self.vae_weights.elements();
        let (width, height) = request.size(self)?;
        let activations = memory::of_decoding(&self.vae_config, width, height);
        memory::check(weights * dtype.bytes() + activations, dtype)
    }

    /// Reads the weights onto `device`.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] where they do not fit or are damaged, [`Error::Device`] where the device lacks the precision.
    pub fn load(self, device: &Device, dtype: DType) -> Result<Pipeline, Error> {
        if !device.supports_dtype(dtype.float()) {
            return Err(Error::Device(format!("this device does not compute in {dtype:?}: use --dtype f32")));
        }
        let vae_dtype = match dtype {
            DType::F16 if self.vae_overflows_in_half => FloatDType::F32,
            other => other.float(),
        };
        let text = |part: &TextPart| part.weights.load(part.config.init(device), dtype.float());
        let networks = Networks {
            text: self.text.iter().map(text).collect::<Result<_, _>>()?,
            unet: self.unet_weights.load(self.unet_config.init(device), dtype.float())?,
            vae: self.vae_weights.load(self.vae_config.init(device), vae_dtype)?,
        };
        Ok(Pipeline::new(self, networks, device.clone()))
    }
}

impl TextPart {
    fn open(folder: &Path, encoder: &str, tokenizer: &str, class: &str) -> Result<Self, Error> {
        let encoder = folder.join(encoder);
        Ok(Self {
            tokenizer: Tokenizer::from_folder(&folder.join(tokenizer))?,
            config: clip_config(Json::read(&encoder.join("config.json"))?, class)?,
            weights: Weights::in_folder(&encoder, "model")?,
        })
    }
}

/// Reads `model_index.json`: itself, and whether a missing negative prompt means zeros.
fn read_index(folder: &Path) -> Result<(Json, bool), Error> {
    let file: PathBuf = folder.join("model_index.json");
    if !folder.is_dir() {
        let reason = "no such folder; --model takes a folder in the diffusers layout".to_string();
        return Err(Error::Folder { folder: folder.to_path_buf(), reason });
    }
    if !file.is_file() {
        let reason = "no model_index.json in it; is this a model in the diffusers layout?".to_string();
        return Err(Error::Folder { folder: folder.to_path_buf(), reason });
    }
    let mut index = Json::read(&file)?;
    let class: String = index.require("_class_name")?;
    if !["StableDiffusionPipeline", "StableDiffusionXLPipeline"].contains(&class.as_str()) {
        let supported = "StableDiffusionPipeline and StableDiffusionXLPipeline";
        return Err(index.error(format!("`_class_name` is {class:?}, only {supported} are supported")));
    }
    let zeros = index.take_or("force_zeros_for_empty_prompt", class.contains("XL"))?;
    Ok((index, zeros))
}
