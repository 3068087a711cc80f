use std::path::Path;

use sd_weights::control::{ControlWeights, is_image_adapter};
use sd_weights::single_file::is_image_encoder;
use sd_weights::{Weights, is_file, is_folder, weight_files};

use crate::component::component;
use crate::folder::Folder;
use crate::{Choices, Component, ControlFile, ControlSummary, ImageAdapterFile, ImageAdapterSummary, Model};
use crate::{ModelError, Summary, VisionFile};

/// What a file or a folder holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Description {
    /// A model that draws.
    Model(Summary),
    /// A control network.
    Control(ControlSummary),
    /// An IP-Adapter.
    ImageAdapter(ImageAdapterSummary),
    /// An image encoder of CLIP, which IP-Adapters read.
    ImageEncoder(ImageEncoderSummary),
}

/// Description of an image encoder of CLIP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageEncoderSummary {
    /// Its parameters and their precision.
    pub component: Component,
    /// Width of the states of each patch.
    pub width: usize,
    /// Width of the embedding of an image.
    pub embedding: usize,
    /// Width and height of the images that it reads, in pixels.
    pub size: usize,
}

/// Describes a model, a control network, an IP-Adapter or an image encoder, without reading its weights. `choices` concern models.
///
/// # Errors
///
/// [`ModelError`] if it is none of these, is damaged or not supported.
pub fn describe(path: &Path, choices: &Choices) -> Result<Description, ModelError> {
    match find_kind(path)? {
        Kind::Control => Ok(Description::Control(ControlFile::open(path)?.summary())),
        Kind::ImageAdapter => Ok(Description::ImageAdapter(ImageAdapterFile::open(path, None)?.summary())),
        Kind::ImageEncoder => {
            let file = VisionFile::open(path)?;
            let (component, config) = (component("image_encoder", file.weights()), file.config());
            let (width, embedding, size) = (config.hidden_size, config.embed_dim(), config.image_size);
            Ok(Description::ImageEncoder(ImageEncoderSummary { component, width, embedding, size }))
        }
        Kind::Model => Ok(Description::Model(Model::open_with(path, choices)?.summary())),
    }
}

/// What a path seems to hold; models include what cannot be recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Model,
    Control,
    ImageAdapter,
    ImageEncoder,
}

/// Finds what a path holds, by the class in a folder's config or the names of a file's tensors.
pub(crate) fn find_kind(path: &Path) -> Result<Kind, ModelError> {
    if is_file(path).map_err(ModelError::io(path))? {
        let weights = Weights::in_file(path)?;
        let is_model = || weights.keys().any(|key| key.contains("model.diffusion_model."));
        return Ok(match () {
            // The first ControlNets came with the model they were trained with.
            () if ControlWeights::are_in(&weights) => Kind::Control,
            () if is_model() => Kind::Model,
            () if is_image_adapter(&weights) => Kind::ImageAdapter,
            () if is_image_encoder(&weights) => Kind::ImageEncoder,
            () => Kind::Model,
        });
    }
    let folder = Folder::at(path);
    // What is no folder either is refused as a model.
    if !is_folder(path).map_err(ModelError::io(path))? || folder.has_file("model_index.json")? {
        return Ok(Kind::Model);
    }
    if !folder.has_file("config.json")? {
        // A control network may be a file in a folder of its own.
        return match &weight_files(path).map_err(ModelError::io(path))?[..] {
            [file] => find_kind(file).map(|kind| if kind == Kind::Control { kind } else { Kind::Model }),
            _ => Ok(Kind::Model),
        };
    }
    let json = folder.json("config.json")?;
    let text = |key: &str| json.get(key).and_then(|value| value.as_str()).unwrap_or_default();
    Ok(match (text("_class_name"), text("model_type")) {
        (class, _) if class.contains("ControlNet") || class.contains("Adapter") => Kind::Control,
        (_, "clip_vision_model" | "clip") => Kind::ImageEncoder,
        _ => Kind::Model,
    })
}
