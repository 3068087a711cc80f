use std::path::PathBuf;

use sd_pipeline::{Choices, Prediction, WeightSet};

use crate::job::{PromptLoras, mentioned_embeddings};
use crate::{EngineError, Entry, Job, Kind, Library, Predicts, RefinerPass};

/// The files of a model and of what is added to it before it is loaded. LoRAs can also be added afterwards.
#[derive(Debug, Clone)]
pub struct Files {
    pub model: Entry,
    pub prediction: Option<Predicts>,
    pub ema: bool,
    pub vae: Option<Entry>,
    pub controls: Vec<Control>,
    /// IP-Adapters, with their image encoders.
    pub image_adapters: Vec<(PathBuf, Option<PathBuf>)>,
    /// Textual inversions, with their words.
    pub embeddings: Vec<(PathBuf, Option<String>)>,
    /// LoRAs, with their weights.
    pub loras: Vec<(PathBuf, f64)>,
    /// What is strange about the LoRAs that the prompt names.
    pub warnings: Vec<String>,
}

/// A control network.
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// The one of this name that belongs to the built-in model.
    BuiltIn(String),
    /// A file or a folder.
    At(PathBuf),
}

/// The files of a job.
#[derive(Debug, Clone)]
pub struct JobFiles {
    pub base: Files,
    pub refiner: Option<Files>,
}

impl JobFiles {
    pub fn of(job: &Job, library: &Library) -> Result<Self, EngineError> {
        let refiner = job.refiner.as_ref().map(|refiner| Files::of(&refiner.job(), library)).transpose()?;
        Ok(Self { base: Files::of(job, library)?, refiner })
    }
}

impl Files {
    fn of(job: &Job, library: &Library) -> Result<Self, EngineError> {
        let path = |kind, name: &str| -> Result<PathBuf, EngineError> {
            Ok(library.locate(kind, name)?.path.unwrap_or_default())
        };
        let control = |name: &String| -> Result<Control, EngineError> {
            let is_builtin = library.builtin_control().is_some_and(|own| own.name == *name);
            Ok(if is_builtin { Control::BuiltIn(name.clone()) } else { Control::At(path(Kind::Control, name)?) })
        };
        let mut embeddings = Vec::new();
        for embedding in &job.embeddings {
            embeddings.push((path(Kind::Embedding, &embedding.name)?, embedding.word.clone()));
        }
        for name in mentioned_embeddings(job, library)? {
            let entry = library.find(Kind::Embedding, &name)?;
            embeddings.push((entry.path.unwrap_or_default(), Some(name)));
        }
        let mut loras = Vec::new();
        for lora in &job.loras {
            loras.push((path(Kind::Lora, &lora.name)?, lora.weight));
        }
        let named = PromptLoras::of(job);
        for lora in named.loras {
            loras.push((library.find(Kind::Lora, &lora.name)?.path.unwrap_or_default(), lora.weight));
        }
        Ok(Self {
            model: library.model(job.model.as_deref())?,
            prediction: job.prediction,
            ema: job.ema,
            vae: job.vae.as_ref().map(|name| library.locate(Kind::Vae, name)).transpose()?,
            controls: job.controls.iter().map(control).collect::<Result<_, _>>()?,
            image_adapters: job
                .image_adapters
                .iter()
                .map(|adapter| {
                    let encoder = adapter.encoder.as_ref().map(|name| path(Kind::Control, name)).transpose()?;
                    Ok::<_, EngineError>((path(Kind::Control, &adapter.name)?, encoder))
                })
                .collect::<Result<_, _>>()?,
            embeddings,
            loras,
            warnings: named.warnings,
        })
    }

    /// Whether a model that was opened with these files is the model of the others, up to its LoRAs.
    pub fn opens_as(&self, other: &Self) -> bool {
        self.model == other.model
            && (self.prediction, self.ema, &self.vae) == (other.prediction, other.ema, &other.vae)
            && self.controls == other.controls
            && self.image_adapters == other.image_adapters
            && self.embeddings == other.embeddings
    }

    pub fn choices(&self) -> Choices {
        Choices {
            prediction: self.prediction.map(Prediction::from),
            average: if self.ema { WeightSet::Ema } else { WeightSet::Last },
            vae: self.vae.as_ref().and_then(|entry| entry.path.clone()),
            unet: None,
        }
    }
}

impl RefinerPass {
    /// The refiner as the model of a job of its own.
    fn job(&self) -> Job {
        Job { model: Some(self.model.clone()), ..Job::default() }
    }
}
