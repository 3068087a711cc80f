use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use sd_clip::{ClipText, ClipTextConfig, Tokenizer};
use sd_weights::Weights;

use crate::config::clip_config;
use crate::folder::Folder;
use crate::placed::{Placement, packed, placed};
use crate::precision::precision;
use crate::{DType, ModelError};

/// A text encoder and its tokenizer.
#[derive(Debug)]
pub(crate) struct TextPart {
    /// Shared with the loaded components: a vocabulary takes 8 MB.
    pub tokenizer: Arc<Tokenizer>,
    pub config: ClipTextConfig,
    pub weights: Weights,
    /// Concatenated vectors of added words.
    pub added: Vec<f32>,
}

impl TextPart {
    /// Opens the folders of the encoder and the tokenizer.
    pub fn open(folder: &Folder, encoder: &str, tokenizer: &str, class: &str) -> Result<Self, ModelError> {
        let encoder = folder.join(encoder);
        Ok(Self {
            tokenizer: Arc::new(folder.join(tokenizer).tokenizer()?),
            config: clip_config(encoder.json("config.json")?, class)?,
            weights: encoder.weights("model")?,
            added: Vec::new(),
        })
    }

    /// Reads the encoder onto `device`, with the added words.
    pub fn load(&self, device: &Device, dtype: DType, placement: Placement) -> Result<ClipText, ModelError> {
        let encoder = placed(&self.weights, placement).load(self.config.init(device), precision(dtype, device))?;
        let encoder = packed(encoder, placement);
        if self.added.is_empty() {
            return Ok(encoder);
        }
        let shape = [self.added.len() / self.config.hidden_size, self.config.hidden_size];
        Ok(encoder.with_tokens(Tensor::from_data(TensorData::new(self.added.clone(), shape), device)))
    }
}
