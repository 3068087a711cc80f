use sd_image::{Format, Image};
use sd_pipeline::Latents;

use crate::{EngineError, Record};

/// A drawn image, and how it was drawn.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The pixels.
    pub image: Image,
    /// The latents before decoding.
    pub latents: Latents,
    /// Seed of its noise.
    pub seed: u64,
    /// Its settings as AUTOMATIC1111 writes them into images.
    pub parameters: String,
    /// All that is needed to draw it again.
    pub record: Record,
}

impl Drawn {
    /// The texts that go into the file, each with its keyword.
    pub fn texts(&self) -> [(&'static str, String); 2] {
        [("parameters", self.parameters.clone()), (Record::KEY, self.record.to_json())]
    }

    /// Encodes the image as a file, with its settings.
    ///
    /// # Errors
    ///
    /// [`EngineError::Pipeline`] if the format cannot hold the image.
    pub fn encode(&self, format: Format) -> Result<Vec<u8>, EngineError> {
        let texts = self.texts();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(key, text)| (*key, text.as_str())).collect();
        Ok(self.image.encode(format, &texts)?)
    }
}
