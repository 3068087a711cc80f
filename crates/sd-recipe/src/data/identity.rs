use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use crate::fingerprint::Fingerprint;
use crate::{DataConfig, Recipe, Training};

/// Identifies the images and captions of a training; saved in its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    count: usize,
    /// The fingerprint of the pixels.
    pub images: String,
    captions: String,
}

impl Identity {
    /// The identity of some data.
    pub fn new(images: &Dataset) -> Self {
        let captions = images.captions.iter().fold(Fingerprint::default(), |all, text| all.with(text.as_bytes()));
        Self { count: images.len(), images: Fingerprint::default().with(&images.rgb).name(), captions: captions.name() }
    }

    /// Returns a warning if a training resumes after `step` with other data than those of its checkpoint.
    pub fn warning(&self, known: &Self, recipe: &Recipe, step: u64) -> Option<String> {
        let reads = recipe.train == Training::TextToImage;
        let changed = match (self.images != known.images, self.captions != known.captions && reads) {
            (false, false) => return None,
            (true, false) => "images",
            (false, true) => "captions",
            (true, true) => "images and captions",
        };
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
        let words = if reads { "; its vocabulary stays, and words that it lacks are split into pieces" } else { "" };
        Some(format!(
            "the {changed}{place} differ from those of the checkpoint ({counts}): the training continues with the new ones from \
             step {step}{words}; to start over, name another `output`"
        ))
    }
}
