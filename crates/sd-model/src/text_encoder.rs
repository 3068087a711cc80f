use std::sync::Arc;

use burn::tensor::Tensor;
use sd_clip::{ClipText, TextEncoding, Tokenizer};

use crate::Embeddings;
use crate::components::TextEncoder;

/// CLIP text encoders, each with its tokenizer.
#[derive(Debug)]
pub(crate) struct ClipEncoders {
    pub parts: Vec<(Arc<Tokenizer>, ClipText)>,
    /// Whether the backbone reads the penultimate layers of all encoders and the pooled vector of the last, as in Stable
    /// Diffusion XL. Otherwise it reads the last layer of the first encoder.
    pub is_xl: bool,
}

impl TextEncoder for ClipEncoders {
    fn encode(&self, prompts: &[&str]) -> Embeddings {
        let encode = |(tokenizer, encoder): &(Arc<Tokenizer>, ClipText)| {
            let ids: Vec<Vec<u32>> = prompts.iter().map(|prompt| tokenizer.encode(prompt).ids).collect();
            encoder.forward(&ids)
        };
        let encodings: Vec<TextEncoding> = self.parts.iter().map(encode).collect();
        if !self.is_xl {
            let first = encodings.into_iter().next().expect("a model has a text encoder");
            return Embeddings { context: first.last, pooled: None };
        }
        let pooled = encodings.last().expect("XL has two text encoders").pooled.clone();
        let context = Tensor::cat(encodings.into_iter().map(|encoding| encoding.penultimate).collect(), 2);
        Embeddings { context, pooled: Some(pooled) }
    }
}
