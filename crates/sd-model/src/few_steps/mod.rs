//! Models that were distilled to draw in few steps: how they are recognised, and how they want to be drawn.

mod distillation;
mod settings;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use sd_weights::Lora;

pub use self::distillation::Distillation;
pub use self::settings::{FewSteps, Timesteps};
use self::words::Words;
use crate::SamplerName;
use crate::config::SchedulerConfig;
use crate::folder::name_of;

/// What told that a model was distilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// The name of its file or folder.
    Name,
    /// The title in its metadata.
    Metadata,
    /// Its configs.
    Config,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "name",
            Self::Metadata => "metadata",
            Self::Config => "config",
        })
    }
}

/// Names that programs give to weights of any kind; the folder's name tells more.
const ANY: [&str; 4] = ["adapter_model", "diffusion_pytorch_model", "model", "pytorch_lora_weights"];

/// Keys of metadata under which trainings write a name.
const TITLES: [&str; 2] = ["modelspec.title", "ss_output_name"];

impl FewSteps {
    /// Recognises a model by the names of its files, its metadata or its configs, in this order.
    pub(crate) fn of_model(
        paths: &[&Path],
        metadata: &BTreeMap<String, String>,
        scheduler: &SchedulerConfig,
        embeds_guidance: bool,
    ) -> Option<Self> {
        let named = names(paths, metadata).find_map(|(name, evidence)| told(&name, Distillation::of_model, evidence));
        let (distillation, evidence, words) = named.or_else(|| {
            let distillation = configured(scheduler, embeds_guidance)?;
            Some((distillation, Evidence::Config, Words::default()))
        })?;
        let settings = Self::new(distillation, evidence, words.steps(), false);
        let settings = if embeds_guidance { settings.with_embedded_guidance() } else { settings };
        Some(settings.under(scheduler))
    }

    /// The name by which a model is recognised, for a copy that is called otherwise; none if its configs tell it.
    pub(crate) fn name_of_model(paths: &[&Path], metadata: &BTreeMap<String, String>) -> Option<String> {
        let mut names = names(paths, metadata).map(|(name, _)| name);
        names.find(|name| Distillation::of_model(&Words::of(name)).is_some())
    }

    /// Recognises a LoRA by its file's name or its metadata.
    pub fn of_lora(lora: &Lora) -> Option<Self> {
        let named = told(&telling_name(lora.path()), Distillation::of_lora, Evidence::Name);
        let (distillation, evidence, words) = named.or_else(|| {
            titles(lora.metadata()).find_map(|title| told(title, Distillation::of_lora, Evidence::Metadata))
        })?;
        Some(Self::new(distillation, evidence, words.steps(), true))
    }
}

/// Whether a name is that of a network that predicts the image itself, as of SDXL-Lightning for one step.
pub(crate) fn predicts_image(path: &Path) -> bool {
    let words = Words::of(&telling_name(path));
    Distillation::of_model(&words) == Some(Distillation::Lightning) && words.has_row(&["x", "0"])
}

fn told(
    name: &str,
    recognise: impl Fn(&Words) -> Option<Distillation>,
    evidence: Evidence,
) -> Option<(Distillation, Evidence, Words)> {
    let words = Words::of(name);
    Some((recognise(&words)?, evidence, words))
}

/// The names that may tell how a model was distilled, the first that counts first.
fn names(paths: &[&Path], metadata: &BTreeMap<String, String>) -> impl Iterator<Item = (String, Evidence)> {
    let of_files = paths.iter().map(|path| (telling_name(path), Evidence::Name));
    of_files.chain(titles(metadata).map(|title| (title.to_string(), Evidence::Metadata)))
}

fn titles(metadata: &BTreeMap<String, String>) -> impl Iterator<Item = &str> {
    TITLES.iter().filter_map(|key| metadata.get(*key)).map(String::as_str)
}

/// The name of a file or a folder, or that of its folder if the file has the name of any.
fn telling_name(path: &Path) -> String {
    let name = name_of(path);
    match path.parent() {
        Some(folder) if ANY.iter().any(|any| name.split('.').next() == Some(any)) => name_of(folder),
        _ => name,
    }
}

/// What a model's configs tell.
fn configured(scheduler: &SchedulerConfig, embeds_guidance: bool) -> Option<Distillation> {
    match scheduler.sampler.map(|sampler: SamplerName| sampler.info().name) {
        Some("lcm") => Some(Distillation::Lcm),
        Some("tcd") => Some(Distillation::Tcd),
        _ => embeds_guidance.then_some(Distillation::Lcm),
    }
}
