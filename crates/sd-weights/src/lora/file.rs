use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::bundle::{is_bundled, words};
use super::delta::Delta;
use super::folder::locate;
use super::kinds::{Part, changes};
use super::parts::{Parts, TensorName, refused};
use super::peft_config::PeftConfig;
use super::source::Source;
use super::target::{Module, Target};
use crate::{TextualInversion, Weights, WeightsError};

/// A LoRA file, which changes some of a model's weights, and the scale of its changes.
///
/// It reads the names of kohya's programs, LyCORIS, OneTrainer, ComfyUI, PEFT and diffusers; LoRA of linear layers and
/// convolutions, LoHa, LoKr, DoRA, GLoRA, IA3, OFT, BOFT, and whole differences of weights, biases and norms.
#[derive(Debug)]
pub struct Lora {
    pub(super) source: Arc<Source>,
    pub(super) scale: f64,
    pub(super) entries: BTreeMap<Target, Vec<Entry>>,
    pub(super) words: Vec<TextualInversion>,
    /// Keys that belong to no change.
    pub(super) unknown: Vec<String>,
}

/// A change of one tensor.
#[derive(Debug)]
pub(super) struct Entry {
    /// The name of its module in the file.
    pub module: String,
    /// All tensors of that module.
    pub parts: Parts,
    pub part: Part,
}

impl Lora {
    /// Opens a file, or the only adapter in a folder, to be merged at `scale`. The trained strength is 1; a negative scale
    /// inverts the change.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if the file cannot be read, holds no LoRA, or one of a kind that is not supported.
    pub fn open(path: &Path, scale: f64) -> Result<Self, WeightsError> {
        let file = locate(path)?;
        let source = Source(Weights::in_file(&file)?);
        let (modules, mut unknown) = modules(&source)?;
        let (words, other) = words(&source)?;
        unknown.extend(other);
        let config = PeftConfig::read(&source)?;
        let mut entries: BTreeMap<Target, Vec<Entry>> = BTreeMap::new();
        for ((name, _), parts) in modules {
            let module = Module::from_name(&name);
            let Some(changes) = changes(parts.clone(), &source, config.settings(module))? else {
                unknown.extend(parts.keys().cloned());
                continue;
            };
            for part in changes {
                let entry = Entry { module: name.clone(), parts: parts.clone(), part };
                entries.entry(Target::from_module(module, entry.part.slot)).or_default().push(entry);
            }
        }
        // Whole tensors occur beside changes, but a file of nothing else is a model.
        let is_change = |entry: &Entry| !matches!(entry.part.delta, Delta::Replacement(_));
        if words.is_empty() && !entries.values().flatten().any(is_change) {
            let some = source.0.keys().take(3).collect::<Vec<_>>().join(", ");
            let reason = format!("it has no pairs of lora_down and lora_up or the like, but {some}");
            return Err(WeightsError::Format { file, format: "LoRA", reason });
        }
        Ok(Self { source: Arc::new(source), scale, entries, words, unknown })
    }

    /// The same at another scale.
    pub fn with_scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.source.0.origin
    }

    /// The file's metadata.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        self.source.0.metadata()
    }

    /// The scale of its changes.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Returns the words that the file adds to prompts.
    pub fn words(&self) -> &[TextualInversion] {
        &self.words
    }
}

/// The tensors of a file by module and adapter, and the keys that belong to none.
type Modules = (BTreeMap<(String, String), Parts>, Vec<String>);

fn modules(source: &Source) -> Result<Modules, WeightsError> {
    let mut names = Vec::new();
    let mut unknown = Vec::new();
    // Tools for sliders keep notes under `_aux`.
    for key in source.0.keys().filter(|key| !is_bundled(key) && !key.starts_with("_aux.")) {
        if let Some(kind) = refused(key) {
            return Err(source.error(format!("`{key}` belongs to {kind}: this is not supported")));
        }
        match TensorName::parse(key) {
            Some(name) => names.push((key, name)),
            None => unknown.push(key.to_string()),
        }
    }
    let adapters: BTreeSet<String> = names.iter().map(|(_, name)| name.adapter.clone()).collect();
    let has_several = adapters.iter().filter(|adapter| !adapter.is_empty()).count() > 1;
    let mut modules: BTreeMap<_, Parts> = BTreeMap::new();
    for (key, TensorName { module, adapter, part }) in names {
        let shape = source.shape(key);
        if shape.contains(&0) {
            let remedy = "it was saved with a rank of 0, or before its parts were gathered; export it again";
            return Err(source.error(format!("`{key}` is {shape:?} and holds no values: {remedy}")));
        }
        let adapter = if has_several { adapter } else { String::new() };
        modules.entry((module, adapter)).or_default().add(part, key).map_err(|other| {
            source.error(format!("`{other}` and `{key}` are the same part of one module: remove one of them"))
        })?;
    }
    Ok((modules, unknown))
}
