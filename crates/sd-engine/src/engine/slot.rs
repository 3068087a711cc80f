use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use sd_pipeline::{DType, Device, Error, FewSteps, Lora, LoraReport, Model, Pipeline, Preview};

use super::files::Files;
use super::notices::Notices;
use super::open::open;
use crate::{EngineError, EngineOptions, Library};

/// A model that is opened, and perhaps loaded.
#[derive(Debug)]
pub struct Slot {
    /// What it was opened with; its LoRAs are [`loras`](Self::loras).
    pub files: Files,
    /// Unless it is loaded.
    opened: Option<Model>,
    loaded: Option<Pipeline>,
    /// In the order in which they were merged.
    loras: Vec<Merged>,
    /// Made when the first preview is wanted.
    preview: OnceCell<Preview>,
    notices: Notices,
}

/// A LoRA that was merged into the model, also one that no longer counts.
#[derive(Debug)]
struct Merged {
    path: PathBuf,
    weight: f64,
    few_steps: Option<FewSteps>,
    notices: Notices,
}

impl Slot {
    /// Opens a model with its networks and words, but without LoRAs.
    pub fn open(files: &Files, library: &Library, options: &EngineOptions) -> Result<Self, EngineError> {
        let (model, notices) = open(files, library)?;
        model.check_products(options.products, &options.device).map_err(Error::from)?;
        let model = model.with_memory(options.memory).with_products(options.products);
        let (opened, loaded, loras, preview) = (Some(model), None, Vec::new(), OnceCell::new());
        Ok(Self { files: files.clone(), opened, loaded, loras, preview, notices })
    }

    pub fn is_loaded(&self) -> bool {
        self.loaded.is_some()
    }

    pub fn model(&self) -> &Model {
        let loaded = self.loaded.as_ref().map(Pipeline::model);
        loaded.or(self.opened.as_ref()).expect("a model is opened or loaded")
    }

    /// The loaded model.
    ///
    /// # Panics
    ///
    /// Panics if it is not loaded.
    pub fn pipeline(&self) -> &Pipeline {
        self.loaded.as_ref().expect("the model is loaded")
    }

    pub fn preview(&self) -> Result<&Preview, EngineError> {
        if let Some(preview) = self.preview.get() {
            return Ok(preview);
        }
        let preview = Preview::new(self.pipeline())?;
        Ok(self.preview.get_or_init(|| preview))
    }

    /// Opens LoRAs, and merges them into a model that is not loaded yet.
    pub fn open_loras(&mut self, loras: &[(PathBuf, f64)], notices: &mut Notices) -> Result<(), EngineError> {
        notices.extend(&self.notices);
        let own = self.model().own_few_steps();
        let mut few_steps = own.map(|few| (self.files.model.name.clone(), few));
        for (path, weight) in loras {
            let mut of_lora = self.merged(path).and_then(|at| self.loras[at].few_steps);
            if self.merged(path).is_none() {
                let lora = Lora::open(path, *weight)?;
                of_lora = FewSteps::of_lora(&lora);
                if let Some(model) = &mut self.opened {
                    let report = model.merge(lora)?;
                    self.loras.push(Merged::new(path, *weight, of_lora, &report));
                }
            }
            if let Some(few) = of_lora.filter(|_| *weight != 0.0) {
                few_steps = Some((path.display().to_string(), few));
            }
            notices.extend(&self.merged(path).map(|at| self.loras[at].notices.clone()).unwrap_or_default());
        }
        self.set_few_steps(few_steps.as_ref().map(|(_, few)| *few));
        notices.notes.extend(few_steps.map(|(name, few)| format!("{name}: {few}, unless you choose otherwise")));
        Ok(())
    }

    /// Sets how this job's model and LoRAs want to be drawn: a loaded model may still have those of another job.
    fn set_few_steps(&mut self, few_steps: Option<FewSteps>) {
        match (&mut self.opened, &mut self.loaded) {
            (Some(model), _) => model.set_few_steps(few_steps),
            (None, Some(pipeline)) => pipeline.set_few_steps(few_steps),
            (None, None) => unreachable!("a model is opened or loaded"),
        }
    }

    /// Loads the model with LoRAs, unless it is loaded; changes only what their weights change. Returns what LoRAs tell that were
    /// merged now.
    pub fn load(&mut self, loras: &[(PathBuf, f64)], device: &Device, dtype: DType) -> Result<Notices, EngineError> {
        let mut notices = Notices::default();
        for (path, weight) in loras {
            if self.merged(path).is_none() {
                let lora = Lora::open(path, *weight)?;
                let few_steps = FewSteps::of_lora(&lora);
                let report = self.merge(lora)?;
                self.loras.push(Merged::new(path, *weight, few_steps, &report));
                notices.extend(&self.loras[self.loras.len() - 1].notices);
            }
        }
        for (index, lora) in self.loras.iter_mut().enumerate() {
            let weight = loras.iter().filter(|(path, _)| *path == lora.path).map(|(_, weight)| weight).sum();
            if lora.weight != weight {
                match (&mut self.opened, &mut self.loaded) {
                    (Some(model), _) => model.set_lora_scale(index, weight)?,
                    (None, Some(pipeline)) => pipeline.set_lora_scale(index, weight)?,
                    (None, None) => {}
                }
                lora.weight = weight;
            }
        }
        if let Some(model) = &self.opened {
            let components = model.components(device, dtype)?;
            let model = self.opened.take().expect("it is opened");
            self.loaded = Some(Pipeline::new(model, components, device));
        }
        Ok(notices)
    }

    fn merge(&mut self, lora: Lora) -> Result<LoraReport, EngineError> {
        // Words change the text encoder's size, which is then loaded again.
        if !lora.words().is_empty()
            && let Some(pipeline) = self.loaded.take()
        {
            self.preview = OnceCell::new();
            self.opened = Some(pipeline.into_model());
        }
        match (&mut self.opened, &mut self.loaded) {
            (Some(model), _) => Ok(model.merge(lora)?),
            (None, Some(pipeline)) => Ok(pipeline.merge(lora)?),
            (None, None) => unreachable!("a model is opened or loaded"),
        }
    }

    fn merged(&self, path: &Path) -> Option<usize> {
        self.loras.iter().position(|lora| lora.path == path)
    }
}

impl Merged {
    fn new(path: &Path, weight: f64, few_steps: Option<FewSteps>, report: &LoraReport) -> Self {
        let (name, mut notices) = (path.display(), Notices::default());
        let all = report.matched + report.unmatched.len();
        if report.unmatched.is_empty() {
            notices.notes.push(format!("{name}: all {all} modules merged"));
        } else {
            let some = report.unmatched.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if report.unmatched.len() > 5 { ", …" } else { "" };
            let matched = report.matched;
            notices
                .warnings
                .push(format!("{name}: only {matched} of {all} modules are in the model; not in it: {some}{more}"));
        }
        for word in &report.words {
            notices.notes.push(format!("{name}: adds the word {word:?} for prompts"));
        }
        Self { path: path.into(), weight, few_steps, notices }
    }
}
