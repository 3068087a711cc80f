use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use crate::fingerprint::Fingerprint;
use crate::{DataConfig, Recipe, Training};

/// Identifies the images, conditions and captions of a training; saved in its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    count: usize,
    /// The fingerprint of the pixels.
    pub images: String,
    /// The fingerprint of the conditions; missing in checkpoints of earlier versions, which had none.
    #[serde(default)]
    conditions: Option<String>,
    /// The fingerprint of the masks; missing without masks.
    #[serde(default)]
    masks: Option<String>,
    captions: String,
    /// The fingerprint of the images of the class; missing without a prior.
    #[serde(default)]
    class: Option<String>,
}

impl Identity {
    /// The identity of images of one size.
    pub fn new(images: &Dataset) -> Self {
        Self::of_buckets(std::slice::from_ref(images))
    }

    /// The identity of images of several sizes.
    pub fn of_buckets(buckets: &[Dataset]) -> Self {
        let captions = buckets.iter().flat_map(|images| &images.captions);
        let captions = captions.fold(Fingerprint::default(), |all, text| all.with(text.as_bytes()));
        let partners = |bytes: fn(&Dataset) -> &[u8]| {
            buckets.iter().any(|images| !bytes(images).is_empty()).then(|| name(buckets, bytes))
        };
        Self {
            count: buckets.iter().map(Dataset::len).sum(),
            images: name(buckets, |images| &images.rgb),
            conditions: partners(|images| &images.conditions),
            masks: partners(|images| &images.masks),
            captions: captions.name(),
            class: None,
        }
    }

    /// Number of images.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds the images of a class to those of its subject.
    #[must_use]
    pub fn with_class(self, class: Option<&Self>) -> Self {
        Self { class: class.map(|class| class.images.clone()), ..self }
    }

    /// Returns a warning if a training resumes after `step` with other data than those of its checkpoint.
    pub fn warning(&self, known: &Self, recipe: &Recipe, step: u64) -> Option<String> {
        let reads = recipe.reads_captions();
        let changed = [
            ("images", self.images != known.images),
            ("conditions", self.conditions != known.conditions),
            ("masks", self.masks != known.masks),
            ("captions", self.captions != known.captions && reads),
            ("images of the class", self.class != known.class),
        ];
        let changed: Vec<&str> = changed.into_iter().filter_map(|(what, changed)| changed.then_some(what)).collect();
        if changed.is_empty() {
            return None;
        }
        let changed = changed.join(" and ");
        let place = match &recipe.data {
            DataConfig { folder: Some(folder), .. } => format!(" in {}", folder.display()),
            _ => String::new(),
        };
        let counts = format!("{} images then, {} now", known.count, self.count);
        if step >= recipe.training.steps {
            return Some(format!(
                "the {changed}{place} differ from those that this model was trained on ({counts}); the model stays as it is: \
                 name another `output` to train a new one, or raise `training.steps` to train this one further"
            ));
        }
        let words = if recipe.train == Training::TextToImage {
            "; its vocabulary stays, and words that it lacks are split into pieces"
        } else {
            ""
        };
        Some(format!(
            "the {changed}{place} differ from those of the checkpoint ({counts}): the training continues with the new ones from \
             step {step}{words}; to start over, name another `output`"
        ))
    }
}

/// The fingerprint of some bytes of all images; of several sizes, with these.
fn name(buckets: &[Dataset], bytes: fn(&Dataset) -> &[u8]) -> String {
    if let [images] = buckets {
        return Fingerprint::default().with(bytes(images)).name();
    }
    let sized = |all: Fingerprint, images: &Dataset| {
        all.with(format!("{}×{}", images.width, images.height).as_bytes()).with(bytes(images))
    };
    buckets.iter().fold(Fingerprint::default(), sized).name()
}
