use std::io::ErrorKind;
use std::path::Path;

use burn::tensor::Device;
use sd_clip::{Activation, ClipTextConfig, Tokenizer};
use sd_ops::lay_out;
use sd_samplers::FreshNoise;
use sd_unet::UnconditionalUnetConfig;
use sd_weights::single_file::Family;
use sd_weights::{Weights, is_file};

use crate::config::{Json, SchedulerConfig, clip_config, unet_config};
use crate::folder::{BuiltIn, Folder};
use crate::networks::Networks;
use crate::text_to_picture::TextToPicture;
use crate::vae::VaePart;
use crate::{Average, Choices, DType, Error, Pipeline, Request, single_file};

/// A model whose configs, vocabularies and weight headers are read, and whose weights are not yet.
///
/// Requests can be checked against it before gigabytes are loaded.
#[derive(Debug)]
pub struct Model {
    pub(crate) kind: Kind,
    pub(crate) scheduler: SchedulerConfig,
    /// Width and height of an image when none is asked for.
    pub(crate) default_size: (usize, usize),
    pub(crate) unet_weights: Weights,
    /// What was assumed about it.
    pub(crate) notes: Vec<String>,
}

/// What a model draws from.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A text, by way of latents.
    Text(Box<TextToPicture>),
    /// Noise alone, in pixels.
    Unconditional(UnconditionalUnetConfig),
}

/// A text encoder and the tokenizer that feeds it.
#[derive(Debug)]
pub(crate) struct TextPart {
    pub tokenizer: Tokenizer,
    pub config: ClipTextConfig,
    pub weights: Weights,
    /// Vectors of new words, one after the other.
    pub added: Vec<f32>,
}

impl Model {
    /// Opens a folder of the diffusers layout, or a single file of Stable Diffusion 1.x, 2.x or XL.
    ///
    /// The folder has `model_index.json`, `scheduler`, `text_encoder`, `tokenizer`, `unet` and `vae`, and `text_encoder_2`
    /// and `tokenizer_2` for XL; or `scheduler` and `unet` alone, in folders or beside `model_index.json`, for a model
    /// that draws without a text. The file is safetensors or a PyTorch checkpoint, with the names of the original
    /// programs; what it does not say is inferred from shapes, or as the published models of its family have it.
    ///
    /// # Errors
    ///
    /// [`Error`] for anything missing, damaged or not supported.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, &Choices::default())
    }

    /// Opens a model that does not say everything, or is wanted otherwise.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`Error::Request`] for a moving average that is asked of a folder.
    pub fn open_with(path: impl AsRef<Path>, choices: &Choices) -> Result<Self, Error> {
        let path = path.as_ref();
        if is_file(path).map_err(Error::io(path))? {
            return single_file::open(path, choices);
        }
        if choices.average == Average::Ema {
            let reason = "--ema is for single files; a folder has one set of weights, mostly the average".to_string();
            return Err(Error::Request(reason));
        }
        check_folder(path)?;
        let mut model = Self::open_folder(&Folder::at(path), choices)?;
        model.scheduler.prediction = choices.prediction.unwrap_or(model.scheduler.prediction);
        Ok(model)
    }

    /// Opens a model whose folder is part of the program, under the name that messages call it. Its weights, safetensors, are read
    /// where they lie.
    ///
    /// # Errors
    ///
    /// As [`open_with`](Self::open_with).
    pub fn built_in(name: &str, files: BuiltIn, choices: &Choices) -> Result<Self, Error> {
        Self::open_folder(&Folder::built_in(name, files), choices)
    }

    fn open_folder(folder: &Folder, choices: &Choices) -> Result<Self, Error> {
        let (mut index, class) = read_index(folder)?;
        if is_unconditional(&index, &class)? {
            if let Some(path) = &choices.vae {
                return Err(Error::Request(format!("--vae {}: this model draws in pixels", path.display())));
            }
            return Self::open_unconditional(folder, &index, &class);
        }
        let mut notes = Vec::new();
        let (unet_config, sample_size) = folder.json("unet/config.json")?.loosely(&mut notes, unet_config)?;
        let is_xl = unet_config.addition.is_some();
        let zeros_for_no_negative = index.take_or("force_zeros_for_empty_prompt", is_xl)?;
        let vae = match &choices.vae {
            Some(path) => VaePart::chosen(path, &unet_config, &mut notes)?,
            None => VaePart::in_folder(&folder.join("vae"), &mut notes)?,
        };
        let scheduler = folder.json("scheduler/scheduler_config.json")?.loosely(&mut notes, |json| {
            json.set_class(class_of(&index, "scheduler"));
            if !is_xl {
                // As diffusers' StableDiffusionPipeline does whatever the file says; its XL pipeline does not.
                json.set("steps_offset", 1);
            }
            SchedulerConfig::of(json)
        })?;
        notes.extend(scheduler.note());
        let mut text = Vec::new();
        for (encoder, tokenizer) in [("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")] {
            let class = index.take::<(Option<String>, Option<String>)>(encoder)?;
            if let Some((_, Some(class))) = class {
                text.push(TextPart::open(folder, encoder, tokenizer, &class)?);
            }
        }
        let factor = vae.config.factor();
        let default_size = (sample_size.0 * factor, sample_size.1 * factor);
        let parts = TextToPicture { zeros_for_no_negative, text, unet_config, vae };
        parts.check().map_err(|reason| Error::Folder { folder: folder.path().to_path_buf(), reason })?;
        Ok(Self {
            kind: Kind::Text(Box::new(parts)),
            scheduler,
            default_size,
            unet_weights: folder.join("unet").weights("diffusion_pytorch_model")?,
            notes,
        })
    }

    /// What had to be assumed about the model, each a sentence that says how to choose otherwise.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The parts of a model that draws from text.
    pub(crate) fn text_to_picture(&self) -> Option<&TextToPicture> {
        match &self.kind {
            Kind::Text(parts) => Some(parts),
            Kind::Unconditional(_) => None,
        }
    }

    /// Whether this is a model of the XL kind: two text encoders, pooled text and sizes.
    pub(crate) fn is_xl(&self) -> bool {
        self.text_to_picture().is_some_and(|parts| parts.unet_config.addition.is_some())
    }

    /// Of which family its text encoders are, for a model that draws from text.
    pub(crate) fn family(&self) -> Option<Family> {
        let first = self.text_to_picture()?.text.first();
        Some(match first.map(|part| part.config.hidden_act) {
            _ if self.is_xl() => Family::Xl,
            Some(Activation::Gelu) => Family::Sd2,
            _ => Family::Sd1,
        })
    }

    /// What the width and height of a picture are multiples of.
    pub(crate) fn factor(&self) -> usize {
        match &self.kind {
            Kind::Text(parts) => parts.vae.config.factor(),
            Kind::Unconditional(config) => config.factor(),
        }
    }

    /// Checks that a request can be drawn with this model.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] or [`Error::Schedule`] with what to change.
    pub fn check(&self, request: &Request) -> Result<(), Error> {
        request.fits(self)?;
        request.latent_shape(self)?;
        request.sampler(self)?;
        request.guidance(self)?;
        Ok(())
    }

    /// A request in the words that other programs read from a picture's `parameters`: the prompts, a line each, and
    /// then the settings. A picture that starts from [latents](Request::latents) has no `Seed`.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn describe(&self, request: &Request) -> Result<String, Error> {
        let (width, height) = request.size(self)?;
        let prompt = request.prompt.as_ref().map(|text| format!("{text}\n"));
        let negative = request.negative_prompt.as_ref().map(|text| format!("Negative prompt: {text}\n"));
        let guidance = self.text_to_picture().map(|_| request.guidance(self)).transpose()?;
        let guidance = guidance.map(|scale| format!(", CFG scale: {scale}"));
        let schedule = request.schedule.as_ref().map(|schedule| format!(", Schedule type: {schedule}"));
        let seed = match (&request.latents, request.sampler_name(self).fresh) {
            (None, _) => Some(format!(", Seed: {}", request.seed)),
            // Whoever reads a seed starts from its noise, and this picture did not.
            (Some(_), FreshNoise::Never) => None,
            (Some(_), _) => Some(format!(", Step noise seed: {}", request.seed)),
        };
        let options: String = request.options.iter().map(|(option, value)| format!(", {option}: {value}")).collect();
        Ok(format!(
            "{}{}Steps: {}, Sampler: {}{}{}, Size: {width}x{height}{}{options}",
            prompt.unwrap_or_default(),
            negative.unwrap_or_default(),
            request.steps(self),
            request.sampler_name(self),
            guidance.unwrap_or_default(),
            seed.unwrap_or_default(),
            schedule.unwrap_or_default(),
        ))
    }

    /// The part of a prompt that the text encoder will not see, because the prompt is too long.
    pub fn cut(&self, prompt: &str) -> Option<String> {
        self.text_to_picture()?.text.iter().find_map(|part| part.tokenizer.encode(prompt).cut)
    }

    /// The words of a prompt that the model's tokenizer has to spell. One that [learnt](sd_clip::Vocabulary) its words
    /// from the captions of the training has never seen them.
    pub fn spelt(&self, prompt: &str) -> Vec<String> {
        let first = self.text_to_picture().and_then(|parts| parts.text.first());
        first.map(|part| part.tokenizer.spelt(prompt)).unwrap_or_default()
    }

    /// Reads the weights onto `device`.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] where they do not fit or are damaged, [`Error::Device`] where the device lacks the precision.
    pub fn load(self, device: &Device, dtype: DType) -> Result<Pipeline, Error> {
        if !device.supports_dtype(dtype.float()) {
            return Err(Error::Device(format!("this device does not compute in {dtype}: use --dtype f32")));
        }
        let networks = match &self.kind {
            Kind::Text(parts) => {
                let unet = lay_out(self.unet_weights.load(parts.unet_config.init(device), dtype.on(device))?);
                Networks::Text(Box::new(parts.load(unet, device, dtype)?))
            }
            Kind::Unconditional(config) => {
                let unet = self.unet_weights.load(config.init(device), dtype.on(device))?;
                Networks::Unconditional(Box::new(lay_out(unet)))
            }
        };
        Ok(Pipeline::new(self, networks, device.clone()))
    }
}

impl TextPart {
    fn open(folder: &Folder, encoder: &str, tokenizer: &str, class: &str) -> Result<Self, Error> {
        let encoder = folder.join(encoder);
        Ok(Self {
            tokenizer: folder.join(tokenizer).tokenizer()?,
            config: clip_config(encoder.json("config.json")?, class)?,
            weights: encoder.weights("model")?,
            added: Vec::new(),
        })
    }
}

/// What `model_index.json` names as the class of a part; none where the model has no such part.
pub(crate) fn class_of<'a>(index: &'a Json, part: &str) -> Option<&'a str> {
    index.get(part)?.as_array()?.get(1)?.as_str()
}

/// Whether a model draws without a text, by its parts: other classes of pipelines have the same, and are for other uses.
fn is_unconditional(index: &Json, class: &str) -> Result<bool, Error> {
    if ["DDPMPipeline", "DDIMPipeline", "PNDMPipeline"].contains(&class) {
        return Ok(true);
    }
    match class_of(index, "unet") {
        Some("UNet2DConditionModel") => Ok(false),
        None if class.starts_with("StableDiffusion") => Ok(false),
        unet => Err(index.error(format!(
            "a {class} with `unet` of class {}: supported are pipelines with a UNet2DConditionModel, text encoders and an \
             autoencoder, and DDPMPipeline, DDIMPipeline and PNDMPipeline",
            unet.unwrap_or("none")
        ))),
    }
}

/// Checks that there is a folder.
fn check_folder(folder: &Path) -> Result<(), Error> {
    let reason = match folder.metadata() {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => "neither a folder nor a file",
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io(folder)(error)),
        Err(_) => "no such folder or file",
    };
    let reason = format!("{reason}; a model is a folder in the diffusers layout, or a single file");
    Err(Error::Folder { folder: folder.to_path_buf(), reason })
}

/// Reads `model_index.json`: itself, and the class of the model.
fn read_index(folder: &Folder) -> Result<(Json, String), Error> {
    if !folder.has_file("model_index.json")? {
        let reason = "no model_index.json in it; is this a model in the diffusers layout?".to_string();
        return Err(Error::Folder { folder: folder.path().to_path_buf(), reason });
    }
    let mut index = folder.json("model_index.json")?;
    let class: String = index.require("_class_name")?;
    Ok((index, class))
}
