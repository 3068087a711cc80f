//! The image encoder that an IP-Adapter reads: which one, and where it is.

use std::fmt;
use std::path::{Path, PathBuf};

use sd_adapters::{ImageStates, ProjectionConfig};
use sd_weights::{is_file, weight_files};

use crate::vision::VisionFile;
use crate::{Field, ModelError};

/// What an IP-Adapter reads of CLIP's vision tower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoder {
    states: ImageStates,
    width: usize,
}

/// The published tower that has them.
impl fmt::Display for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name) = match self.states {
            ImageStates::Embedding => ("embeddings", [(768, "ViT-L/14"), (1024, "ViT-H/14"), (1280, "ViT-bigG/14")]),
            ImageStates::Penultimate => ("states", [(1024, "ViT-L/14"), (1280, "ViT-H/14"), (1664, "ViT-bigG/14")]),
        };
        match name.iter().find(|(width, _)| *width == self.width) {
            Some((width, name)) => write!(f, "CLIP {name}, with {what} of width {width}"),
            None => write!(f, "a vision tower of CLIP with {what} of width {}", self.width),
        }
    }
}

impl Encoder {
    pub fn of(projection: &ProjectionConfig) -> Self {
        Self { states: projection.reads(), width: projection.image_width() }
    }

    /// Opens a tower for the adapter at `adapter`.
    pub fn open(self, path: &Path, adapter: &Path) -> Result<VisionFile, ModelError> {
        let file = VisionFile::open(path)?;
        let found = self.width_of(&file);
        if found != self.width {
            let (path, adapter) = (path.display(), adapter.display());
            let reason = format!("encoder {path}: its width is {found}, but {adapter} needs {self}");
            return Err(ModelError::request(Field::ImagePrompt, reason));
        }
        Ok(file)
    }

    /// Opens the first tower of some places that fits; `None` if there is none.
    pub fn first(self, places: &[PathBuf]) -> Result<Option<VisionFile>, ModelError> {
        for place in places {
            let has = |name: &str| is_file(&place.join(name)).map_err(ModelError::io(place));
            let candidates = match has("config.json")? {
                true => vec![place.clone()],
                // A folder of towers, or none.
                false => weight_files(place).unwrap_or_default(),
            };
            // What cannot be opened may be something else.
            let fits = |file: &VisionFile| self.width_of(file) == self.width;
            if let Some(file) = candidates.iter().filter_map(|path| VisionFile::open(path).ok()).find(fits) {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }

    /// Says that the adapter at `adapter` has no tower.
    pub fn missing(self, adapter: &Path) -> ModelError {
        let reason = format!(
            "{}: its image encoder is not beside it: name the file or the folder of {self}, as encoder=PATH",
            adapter.display()
        );
        ModelError::request(Field::ImagePrompt, reason)
    }

    fn width_of(self, file: &VisionFile) -> usize {
        match self.states {
            ImageStates::Embedding => file.config().embed_dim(),
            ImageStates::Penultimate => file.config().hidden_size,
        }
    }
}

/// The places where an adapter's tower may be: those of the published repository, whose XL adapters may need the tower of 1.5, and
/// those of ComfyUI.
pub(super) fn beside(adapter: &Path) -> Vec<PathBuf> {
    let folder = adapter.parent().unwrap_or(Path::new(""));
    let above = folder.join("..");
    ["image_encoder", "../image_encoder", "../models/image_encoder", "../clip_vision"]
        .into_iter()
        .map(|place| match place.strip_prefix("../") {
            Some(place) => above.join(place),
            None => folder.join(place),
        })
        .collect()
}
