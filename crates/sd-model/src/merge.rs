use sd_weights::{Component, Lora, LoraReport, Weights};

use crate::ModelError;
use crate::model::{Kind, Model};

impl Model {
    /// Has a LoRA file change the weights when they are loaded, and adds the words that it brings.
    ///
    /// Several may be merged; their order makes no difference to the weights. A word that cannot be added is told among what
    /// is unmatched, with the reason.
    ///
    /// # Errors
    ///
    /// [`ModelError::Weights`] where nothing of the file is in the model, or something of another shape; then nothing is
    /// changed.
    pub fn merge(&mut self, lora: &Lora) -> Result<LoraReport, ModelError> {
        let mut networks: Vec<(Component, &mut Weights)> = vec![(Component::Unet, &mut self.unet_weights)];
        if let Kind::Text(parts) = &mut self.kind {
            let encoders = parts.text.iter_mut().map(|part| &mut part.weights);
            networks.extend([Component::TextEncoder, Component::TextEncoder2].into_iter().zip(encoders));
        }
        let mut report = lora.merge(&mut networks)?;
        report.words.clear();
        for inversion in lora.words() {
            match self.add_word(inversion) {
                Ok(()) => report.words.push(inversion.word.clone()),
                Err(error) => report.unmatched.push(format!("its word {:?} ({error})", inversion.word)),
            }
        }
        Ok(report)
    }
}
