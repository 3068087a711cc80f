use std::io::ErrorKind;
use std::path::Path;

use sd_schedule::Prediction;
use sd_weights::single_file::unet_alone;
use sd_weights::{Weights, is_file};

use crate::config::inferred::guidance_width;
use crate::config::{SchedulerConfig, unet_config};
use crate::few_steps::predicts_image;
use crate::folder::{BuiltIn, Folder};
use crate::index::{class_of, is_unconditional, read_index};
use crate::model::{Defaults, Kind, Model};
use crate::single_file::{self, Choices};
use crate::text_part::TextPart;
use crate::text_to_image::TextToImage;
use crate::vae::VaePart;
use crate::{FewSteps, Field, ModelError, WeightSet};

impl Model {
    /// Opens a folder of the diffusers layout, or a single file of Stable Diffusion 1.x, 2.x or XL.
    ///
    /// A folder has `model_index.json`, `scheduler`, `text_encoder`, `tokenizer`, `unet` and `vae`, and for XL also
    /// `text_encoder_2` and `tokenizer_2`. A model without text has only `scheduler` and `unet`, in subfolders or beside
    /// `model_index.json`. A single file is safetensors or a PyTorch checkpoint, with the tensor names of the original
    /// programs. Missing settings are inferred from shapes, or taken from its family's published models.
    ///
    /// # Errors
    ///
    /// [`ModelError`] if something is missing, damaged or not supported.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        Self::open_with(path, &Choices::default())
    }

    /// Opens a model with choices that complete or override its files.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and [`ModelError::Request`] if the moving average of a folder is requested.
    pub fn open_with(path: impl AsRef<Path>, choices: &Choices) -> Result<Self, ModelError> {
        let mut model = Self::open_own(path.as_ref(), choices)?;
        if let Some(path) = &choices.unet {
            model.set_unet(unet_alone(&Weights::in_file(path)?)?);
        }
        let paths: Vec<&Path> = choices.unet.as_deref().into_iter().chain([path.as_ref()]).collect();
        if choices.prediction.is_none() && paths.first().is_some_and(|path| predicts_image(path)) {
            // A process without such a prediction was not meant by the name.
            if let Some(scheduler) = model.scheduler.clone().predicting(Prediction::X0) {
                model.scheduler = scheduler;
            }
        }
        Ok(model.recognised(&paths))
    }

    /// Replaces the weights of the U-Net, which may be distilled where the model's own is not.
    fn set_unet(&mut self, weights: Weights) {
        if let Kind::Text(parts) = &mut self.kind {
            parts.unet_config.time_cond_proj_dim = guidance_width(&weights);
        }
        self.unet_weights = weights;
    }

    /// Finds out whether the model was made for few steps.
    fn recognised(mut self, paths: &[&Path]) -> Self {
        if self.reads_text() {
            let metadata = self.unet_weights.metadata();
            self.own_few_steps = FewSteps::of_model(paths, metadata, &self.scheduler, self.embeds_guidance());
            self.few_steps = self.own_few_steps;
        }
        self
    }

    fn open_own(path: &Path, choices: &Choices) -> Result<Self, ModelError> {
        if is_file(path).map_err(ModelError::io(path))? {
            return single_file::open(path, choices);
        }
        if choices.average == WeightSet::Ema {
            let reason = "is for single files; a folder has one set of weights, usually the average";
            return Err(ModelError::request(Field::Average, reason));
        }
        check_folder(path)?;
        let mut model = Self::open_folder(&Folder::at(path), choices)?;
        if let Some(prediction) = choices.prediction {
            model.scheduler = model.scheduler.predicting(prediction).ok_or_else(|| {
                let reason = format!("{} is not possible with the noise process of this model", prediction.name());
                ModelError::request(Field::Prediction, reason)
            })?;
        }
        Ok(model)
    }

    /// Opens a model that is built into the program; messages call it `name`. Its safetensors weights are read in place.
    ///
    /// # Errors
    ///
    /// Those of [`open_with`](Self::open_with).
    pub fn built_in(name: &str, files: BuiltIn, choices: &Choices) -> Result<Self, ModelError> {
        Ok(Self::open_folder(&Folder::built_in(name, files), choices)?.recognised(&[]))
    }

    fn open_folder(folder: &Folder, choices: &Choices) -> Result<Self, ModelError> {
        let (mut index, class) = read_index(folder)?;
        if is_unconditional(&index, &class)? {
            if let Some(path) = &choices.vae {
                return Err(ModelError::request(Field::Vae, format!("{}: this model draws in pixels", path.display())));
            }
            return Self::open_unconditional(folder, &index, &class);
        }
        let mut notes = Vec::new();
        let (unet_config, sample_size) = folder.json("unet/config.json")?.loosely(&mut notes, unet_config)?;
        let is_xl = unet_config.addition.is_some();
        let zeros_for_no_negative = index.take_or("force_zeros_for_empty_prompt", is_xl)?;
        let wants_aesthetic_score = index.take_or("requires_aesthetics_score", false)?;
        let vae = match &choices.vae {
            Some(path) => VaePart::chosen(path, &unet_config, &mut notes)?,
            None => VaePart::in_folder(&folder.join("vae"), &mut notes)?,
        };
        let scheduler = folder.json("scheduler/scheduler_config.json")?.loosely(&mut notes, |json| {
            json.set_class(class_of(&index, "scheduler"));
            if !is_xl {
                // diffusers' StableDiffusionPipeline does this whatever the file says; its XL pipeline does not.
                json.set("steps_offset", 1);
            }
            SchedulerConfig::from_json(json)
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
        let parts = TextToImage { zeros_for_no_negative, wants_aesthetic_score, text, unet_config, vae };
        parts.check().map_err(|reason| ModelError::Folder { folder: folder.path().to_path_buf(), reason })?;
        Ok(Self {
            kind: Kind::Text(Box::new(parts)),
            scheduler,
            default_size,
            unet_weights: folder.join("unet").weights("diffusion_pytorch_model")?,
            notes,
            defaults: Defaults::default(),
            few_steps: None,
            own_few_steps: None,
            loras: Vec::new(),
            controls: Vec::new(),
            image_adapters: Vec::new(),
            mapped: None,
            int8: false,
        })
    }
}

/// Checks that `folder` is a folder.
fn check_folder(folder: &Path) -> Result<(), ModelError> {
    let reason = match folder.metadata() {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => "neither a folder nor a file",
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(ModelError::io(folder)(error)),
        Err(_) => "no such folder or file",
    };
    let reason = format!("{reason}; a model is a folder in the diffusers layout, or a single file");
    Err(ModelError::Folder { folder: folder.to_path_buf(), reason })
}
