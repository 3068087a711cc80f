use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sd_adapters::{ImageAdapterConfig, ProjectionConfig};
use sd_weights::Weights;
use sd_weights::control::image_adapter;
use sd_weights::single_file::Family;

use super::encoder::{Encoder, beside};
use crate::ModelError;
use crate::component::{component, name_of_family};
use crate::config::{ImageAdapterShape, image_adapter_shape};
use crate::folder::name_of;
use crate::vision::VisionFile;

/// An IP-Adapter (Ye et al. 2023) whose weight header is read, but not yet its weights.
///
/// [`Model::add_image_adapter`](crate::Model::add_image_adapter) adds it to a model.
#[derive(Debug, Clone)]
pub struct ImageAdapterFile {
    pub(super) path: PathBuf,
    pub(super) weights: Weights,
    pub(super) shape: ImageAdapterShape,
    /// The tower that encodes its images, if it was named or is beside the file.
    pub(super) encoder: Option<Arc<VisionFile>>,
    /// Its configuration for the model that it was added to.
    pub(super) config: Option<ImageAdapterConfig>,
}

/// How an IP-Adapter reads an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageAdapterKind {
    /// Its embedding, as a few tokens.
    Plain,
    /// All patches, which a resampler turns into a few tokens: Plus, and Plus for faces.
    Plus,
    /// All patches, each as a token.
    Full,
}

/// The name that files have, in words.
impl fmt::Display for ImageAdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "IP-Adapter",
            Self::Plus => "IP-Adapter Plus",
            Self::Full => "IP-Adapter Full",
        })
    }
}

/// Description of an IP-Adapter, from its file's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageAdapterSummary {
    /// How it reads an image.
    pub kind: ImageAdapterKind,
    /// The family of models that it is for, in words.
    pub family: &'static str,
    /// The image encoder that it needs, in words.
    pub encoder: String,
    /// The image encoder beside it, if there is one.
    pub found: Option<PathBuf>,
    /// Tokens that one image becomes; `None` for one of each patch.
    pub tokens: Option<usize>,
    /// Width of these tokens.
    pub token_width: usize,
    /// Number of layers of a U-Net that it adds attention to.
    pub layers: usize,
    /// Number of parameters.
    pub parameters: usize,
    /// The types of the weights in the file, the most frequent first.
    pub precision: Vec<String>,
}

impl ImageAdapterFile {
    /// Opens a file: safetensors or PyTorch's. `encoder` is the folder or the file of the image encoder; without it, one is looked
    /// for where people have it: in `image_encoder` beside the file or above it, in `clip_vision` beside its folder, and in the
    /// folder of the model that it is added to.
    ///
    /// # Errors
    ///
    /// [`ModelError`] if a file cannot be read or is something else, also for FaceID, which reads no image but the output of a face
    /// recogniser; and if `encoder` has embeddings of another width.
    pub fn open(path: impl AsRef<Path>, encoder: Option<&Path>) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let weights = image_adapter(&Weights::in_file(path)?)?;
        let shape = image_adapter_shape(&weights)?;
        let wanted = Encoder::of(&shape.projection);
        let encoder = match encoder {
            Some(encoder) => Some(wanted.open(encoder, path)?),
            None => wanted.first(&beside(path))?,
        };
        Ok(Self { path: path.to_path_buf(), weights, shape, encoder: encoder.map(Arc::new), config: None })
    }

    /// The path that it was opened with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the file, without its extension.
    pub fn name(&self) -> String {
        name_of(&self.path)
    }

    /// How it reads an image.
    pub fn kind(&self) -> ImageAdapterKind {
        match self.shape.projection {
            ProjectionConfig::Plain(_) => ImageAdapterKind::Plain,
            ProjectionConfig::Plus(_) => ImageAdapterKind::Plus,
            ProjectionConfig::Full(_) => ImageAdapterKind::Full,
        }
    }

    /// Number of parameters, without those of the image encoder.
    pub fn elements(&self) -> usize {
        self.weights.elements()
    }

    /// The file or folder of the image encoder, if one was found.
    pub fn encoder(&self) -> Option<&Path> {
        self.encoder.as_ref().map(|encoder| encoder.weights().origin())
    }

    pub(crate) fn weights(&self) -> &Weights {
        &self.weights
    }

    pub(crate) fn encoder_weights(&self) -> Option<&Weights> {
        self.encoder.as_ref().map(|encoder| encoder.weights())
    }

    /// The file or folder of the image encoder with its number of parameters, if one was found.
    pub(crate) fn encoder_elements(&self) -> Option<(&Path, usize)> {
        self.encoder.as_ref().map(|encoder| (encoder.weights().origin(), encoder.weights().elements()))
    }

    /// The family of models that it is for, in words, if it is a known one.
    pub(super) fn family(&self) -> Option<&'static str> {
        Some(name_of_family(match self.shape.projection.token_width() {
            768 => Family::Sd1,
            1024 => Family::Sd2,
            2048 => Family::Xl,
            _ => return None,
        }))
    }

    /// Returns a description of the adapter.
    pub fn summary(&self) -> ImageAdapterSummary {
        let own = component("image_adapter", &self.weights);
        ImageAdapterSummary {
            kind: self.kind(),
            family: self.family().unwrap_or("unknown"),
            encoder: Encoder::of(&self.shape.projection).to_string(),
            found: self.encoder().map(Path::to_path_buf),
            tokens: match self.shape.projection {
                ProjectionConfig::Plain(plain) => Some(plain.tokens),
                ProjectionConfig::Plus(plus) => Some(plus.tokens),
                ProjectionConfig::Full(_) => None,
            },
            token_width: self.shape.projection.token_width(),
            layers: self.shape.channels.len(),
            parameters: own.parameters,
            precision: own.precision,
        }
    }
}
