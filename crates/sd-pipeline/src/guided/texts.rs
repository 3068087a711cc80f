use std::collections::BTreeSet;

use sd_guidance::{Guidance, Role, is_composed};
use sd_model::{Model, TextEncoder};
use sd_prompt::{Part, Prompt, Text};

use crate::plan::Settings;
use crate::plan::batch::Batch;
use crate::{Embeddings, Error};

/// Embeddings that take the place of a plan's texts.
#[derive(Debug, Clone)]
pub(crate) struct GivenEmbeddings {
    pub prompt: Embeddings,
    /// None encodes the plan's negative prompt.
    pub negative: Option<Embeddings>,
}

/// A row of the network's batch: what it is conditioned on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The text that guidance starts from, without the image that InstructPix2Pix models read.
    WithoutImage,
    /// The empty prompt.
    Empty,
    /// The negative prompt.
    Negative,
    /// A part of the prompt.
    Part(usize),
    /// The prompt of a region.
    Region(usize),
    /// The first part of the prompt, for a perturbed network.
    Perturbed,
}

impl Slot {
    /// Whether guidance leads away from this row's prediction.
    pub fn is_negative(self) -> bool {
        matches!(self, Self::WithoutImage | Self::Empty | Self::Negative)
    }
}

/// The texts of a batch, encoded, for every step.
#[derive(Debug)]
pub(crate) struct Texts {
    /// One for each image.
    images: Vec<ImageTexts>,
    /// One row each.
    embeddings: Vec<Embeddings>,
    /// Weights of the prompts' parts, which all images share.
    pub weights: Vec<f64>,
}

/// The texts of an image; those that no step needs are empty.
#[derive(Debug, Default)]
struct ImageTexts {
    parts: Vec<Timeline>,
    regions: Vec<Timeline>,
    /// None stands for zeros.
    negative: Option<Timeline>,
    empty: Timeline,
}

/// Which embeddings are read until which step, inclusive.
type Timeline = Vec<(usize, usize)>;

/// Texts without duplicates, in the order in which they are encoded.
#[derive(Default)]
struct Collected(Vec<Text>);

impl Collected {
    fn add(&mut self, text: Text) -> usize {
        self.0.iter().position(|known| *known == text).unwrap_or_else(|| {
            self.0.push(text);
            self.0.len() - 1
        })
    }

    /// The timeline of a text without parts.
    fn single(&mut self, text: &str, settings: &Settings) -> Timeline {
        self.timeline(&Prompt::parse_negative(text, settings.prompt_syntax).parts[0], settings)
    }

    fn timeline(&mut self, part: &Part, settings: &Settings) -> Timeline {
        let phases = settings.phases(part);
        phases.into_iter().map(|phase| (phase.last, self.add(phase.text))).collect()
    }
}

impl Texts {
    /// Encodes the texts of a batch, or takes given embeddings for them.
    pub fn new(
        batch: &Batch,
        guidance: &Guidance,
        encoder: &dyn TextEncoder,
        model: &Model,
        given: Option<&GivenEmbeddings>,
    ) -> Result<Self, Error> {
        let (settings, images) = (batch.settings, batch.plans.len());
        if let Some(given) = given {
            given.check(images)?;
        }
        let weights = if given.is_some() { vec![1.0] } else { batch.plans[0].part_weights() };
        let roles = needed(guidance, settings, &weights);
        let (mut texts, mut all) = (Collected::default(), Vec::new());
        let has_zeros = settings.negative_prompt.is_none() && model.zeros_for_no_negative();
        let given_negative = given.is_some_and(|given| given.negative.is_some());
        let is_negative_read = roles.contains(&Role::Negative) || roles.contains(&Role::WithoutImage);
        let negative = settings.negative_prompt.as_deref().unwrap_or_default();
        for plan in &batch.plans {
            let negative = match () {
                () if given_negative || !is_negative_read => Some(Timeline::new()),
                () if has_zeros => None,
                () => Some(texts.single(negative, settings)),
            };
            let empty = match roles.contains(&Role::Empty) {
                true => texts.single("", settings),
                false => Timeline::new(),
            };
            let parts = match given {
                Some(_) => Vec::new(),
                None => plan.parsed().parts.iter().map(|part| texts.timeline(part, settings)).collect(),
            };
            let regions = settings.regions.iter().map(|region| texts.single(&region.prompt, settings)).collect();
            all.push(ImageTexts { parts, regions, negative, empty });
        }
        let embeddings = if texts.0.is_empty() { Vec::new() } else { encoder.encode(&texts.0, settings.clip_skip) };
        let mut texts = Self { images: all, embeddings, weights };
        if let Some(given) = given {
            texts.take(given, is_negative_read)?;
        }
        Ok(texts)
    }

    /// The embeddings of an image's slot at a step, one row; none for zeros.
    pub fn row(&self, image: usize, slot: Slot, step: usize) -> Option<usize> {
        let texts = &self.images[image];
        let timeline = match slot {
            Slot::WithoutImage if !texts.empty.is_empty() => &texts.empty,
            Slot::WithoutImage | Slot::Negative => texts.negative.as_ref()?,
            Slot::Empty => &texts.empty,
            Slot::Part(part) => &texts.parts[part],
            Slot::Region(region) => &texts.regions[region],
            Slot::Perturbed => &texts.parts[0],
        };
        let phase = timeline.iter().find(|(last, _)| step <= *last).or(timeline.last());
        Some(phase.expect("a text for each slot").1)
    }

    /// The embeddings with an index that [`row`](Self::row) gives.
    pub fn embeddings(&self, row: usize) -> &Embeddings {
        &self.embeddings[row]
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.images.len()
    }

    /// Number of regions.
    pub fn regions(&self) -> usize {
        self.images[0].regions.len()
    }

    /// Puts given embeddings in the place of encoded texts.
    fn take(&mut self, given: &GivenEmbeddings, is_negative_read: bool) -> Result<(), Error> {
        let mut add = |embeddings: Embeddings| {
            self.embeddings.push(embeddings);
            vec![(usize::MAX, self.embeddings.len() - 1)]
        };
        for (index, texts) in self.images.iter_mut().enumerate() {
            texts.parts = vec![add(given.prompt.row(index))];
            if let Some(negative) = given.negative.as_ref().filter(|_| is_negative_read) {
                texts.negative = Some(add(negative.row(if negative.rows() == 1 { 0 } else { index })));
            }
        }
        let negative = self.images[0].negative.as_ref().and_then(|timeline| timeline.first());
        let negative = negative.map(|(_, row)| self.embeddings[*row].widths());
        let width = |([_, width], pooled): ([usize; 2], Option<usize>)| (width, pooled);
        match (negative.map(width), width(given.prompt.widths())) {
            (Some(negative), prompt) if negative != prompt => Err(Error::Embeddings(format!(
                "negative embeddings of widths {negative:?}, but the prompt's have {prompt:?}: encode both with one model"
            ))),
            _ => Ok(()),
        }
    }
}

impl GivenEmbeddings {
    fn check(&self, images: usize) -> Result<(), Error> {
        let wrong = |reason: String| Err(Error::Embeddings(reason));
        match (self.prompt.rows(), self.negative.as_ref().map(Embeddings::rows)) {
            (found, _) if found != images => wrong(format!("{found} rows of embeddings for {images} images")),
            (_, Some(rows)) if rows != 1 && rows != images => {
                wrong(format!("{rows} rows of negative embeddings for {images} images"))
            }
            _ => Ok(()),
        }
    }
}

/// The roles of any step.
fn needed(guidance: &Guidance, settings: &Settings, weights: &[f64]) -> BTreeSet<Role> {
    let made = settings.sampling.made.clone();
    let composed = is_composed(weights.iter().copied());
    made.flat_map(|level| guidance.roles(&settings.sampling.step(level), composed)).collect()
}
