use burn::tensor::Device;

use super::file::{ControlFile, Network};
use crate::{Model, ModelError};

impl Model {
    /// Adds a control network, which is loaded with the model: it becomes the [component](crate::Components::controls) of the
    /// returned index. A file that was added before keeps its index.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] if it was made for models of another family, and [`ModelError::Weights`] if its tensors are not
    /// those of its network; the model is then unchanged.
    pub fn add_control(&mut self, control: ControlFile) -> Result<usize, ModelError> {
        if let Some(index) = self.controls.iter().position(|other| other.path == control.path) {
            return Ok(index);
        }
        let network = control.fitted(self)?;
        let weights = control.weights.complete(&self.unet_weights)?;
        // Only the parameters' names and shapes are read; nothing is initialised on this device.
        let device = Device::default();
        match &network {
            Network::Net(config) | Network::Inferred(config) => weights.fitted(&config.init(&device))?,
            Network::Adapter(config) => weights.fitted(&config.init(&device))?,
            Network::Change(_) => weights,
        };
        self.controls.push(ControlFile { network, ..control });
        Ok(self.controls.len() - 1)
    }

    /// Returns the [added](Self::add_control) control networks, in the order of their indices.
    pub fn controls(&self) -> &[ControlFile] {
        &self.controls
    }
}
