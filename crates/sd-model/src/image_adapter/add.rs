use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::Device;
use sd_weights::is_folder;

use super::encoder::Encoder;
use super::file::ImageAdapterFile;
use crate::{Field, Model, ModelError};

impl Model {
    /// Adds an IP-Adapter, which is loaded with the model: it becomes the
    /// [component](crate::Components::image_adapters) of the returned index. A file that was added before keeps its index.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] if it was made for models of another family, or if its image encoder is nowhere;
    /// [`ModelError::Weights`] if its tensors are not those of its network. The model is then unchanged.
    pub fn add_image_adapter(&mut self, mut adapter: ImageAdapterFile) -> Result<usize, ModelError> {
        let is_same = |other: &ImageAdapterFile| other.path == adapter.path && other.encoder() == adapter.encoder();
        if let Some(index) = self.image_adapters.iter().position(is_same) {
            return Ok(index);
        }
        let refuse = |reason: String| {
            Err(ModelError::request(Field::ImagePrompt, format!("{}: {reason}", adapter.path.display())))
        };
        let Some(parts) = self.text_to_image() else {
            return refuse("this model draws in pixels, without a text, and reads no images".into());
        };
        let Some(config) = adapter.shape.config(&parts.unet_config) else {
            let (kind, ours) = (adapter.kind(), self.family_name());
            return refuse(match adapter.family().filter(|theirs| *theirs != ours) {
                Some(theirs) => {
                    format!("this {kind} is for {theirs}, but the model is {ours}: use one that was made for it")
                }
                None => format!(
                    "this {kind} is for another U-Net than the model's, {ours}: the layers differ in number or width"
                ),
            });
        };
        // Only the parameters' names and shapes are read; nothing is initialised on this device.
        adapter.weights.fitted(&config.init(&Device::default()))?;
        if adapter.encoder.is_none() {
            let wanted = Encoder::of(&adapter.shape.projection);
            let found = wanted.first(&self.encoder_places()?)?;
            adapter.encoder = Some(Arc::new(found.ok_or_else(|| wanted.missing(&adapter.path))?));
        }
        adapter.config = Some(config);
        self.image_adapters.push(adapter);
        Ok(self.image_adapters.len() - 1)
    }

    /// Returns the [added](Self::add_image_adapter) IP-Adapters, in the order of their indices.
    pub fn image_adapters(&self) -> &[ImageAdapterFile] {
        &self.image_adapters
    }

    /// The folder `image_encoder` of the model, or beside its single file.
    fn encoder_places(&self) -> Result<Vec<PathBuf>, ModelError> {
        let weights = self.unet_weights.origin();
        let folders = weights.ancestors().skip(1).take(2).map(|folder| folder.join("image_encoder"));
        let exists = |folder: &PathBuf| is_folder(folder).map_err(ModelError::io(folder));
        folders
            .map(|folder| Ok((exists(&folder)?, folder)))
            .filter_map(|place| match place {
                Ok((true, folder)) => Some(Ok(folder)),
                Ok((false, _)) => None,
                Err(error) => Some(Err(error)),
            })
            .collect()
    }
}
