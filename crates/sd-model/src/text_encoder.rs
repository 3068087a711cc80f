use std::sync::Arc;

use burn::tensor::{DType, FloatDType, Tensor, TensorData};
use sd_clip::{ClipText, TextEncoding, Tokenizer};
use sd_prompt::{Chunk, Syntax, Text};

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
    fn encode(&self, texts: &[Text], clip_skip: usize) -> Vec<Embeddings> {
        let chunks: Vec<Vec<Vec<Chunk>>> = self
            .parts
            .iter()
            .map(|(tokenizer, _)| texts.iter().map(|text| chunks(tokenizer, text)).collect())
            .collect();
        // A word may have more vectors in one encoder than in the other.
        let lengths: Vec<usize> =
            (0..texts.len()).map(|text| chunks.iter().map(|part| part[text].len()).max().unwrap_or(1)).collect();
        let encoded: Vec<Vec<(Tensor<3>, Tensor<2>)>> = self
            .parts
            .iter()
            .zip(chunks)
            .map(|(part, mut chunks)| {
                chunks.iter_mut().zip(&lengths).for_each(|(chunks, length)| chunks.resize(*length, Chunk::default()));
                self.states(part, &chunks, texts, clip_skip)
            })
            .collect();
        let embeddings = |text: usize| {
            let part = |part: &Vec<(Tensor<3>, Tensor<2>)>| part[text].clone();
            let (states, mut pooled): (Vec<_>, Vec<_>) = encoded.iter().map(part).unzip();
            let pooled = pooled.pop().filter(|_| self.is_xl);
            Embeddings { context: Tensor::cat(states, 2), pooled }
        };
        (0..texts.len()).map(embeddings).collect()
    }
}

impl ClipEncoders {
    /// The weighted states of each text, `[1, tokens, width]`, and the pooled vector of its first chunk, `[1, width]`.
    fn states(
        &self,
        (tokenizer, encoder): &(Arc<Tokenizer>, ClipText),
        chunks: &[Vec<Chunk>],
        texts: &[Text],
        clip_skip: usize,
    ) -> Vec<(Tensor<3>, Tensor<2>)> {
        let rows = chunks.iter().flatten().map(|chunk| tokenizer.framed(&chunk.ids));
        let is_comfy = |text: &Text| text.syntax == Syntax::Comfy && !text.is_plain();
        let empty = texts.iter().any(is_comfy).then(|| tokenizer.framed(&[]));
        let encoding = encoder.forward(&rows.chain(empty.clone()).collect::<Vec<_>>());
        let states = self.layer(encoder, &encoding, clip_skip);
        let [count, tokens, width] = states.dims();
        let empty = empty.map(|_| states.clone().narrow(0, count - 1, 1));
        let mut first = 0;
        let text = |(chunks, text): (&Vec<Chunk>, &Text)| {
            let (from, length) = (first, chunks.len());
            first += length;
            let mut states = states.clone().narrow(0, from, length);
            if !text.is_plain() {
                states = weighted(states, chunks, empty.as_ref().filter(|_| is_comfy(text)));
            }
            (states.reshape([1, length * tokens, width]), encoding.pooled.clone().narrow(0, from, 1))
        };
        chunks.iter().zip(texts).map(text).collect()
    }

    /// The states that the backbone reads: after a final norm, except in Stable Diffusion XL.
    fn layer(&self, encoder: &ClipText, encoding: &TextEncoding, clip_skip: usize) -> Tensor<3> {
        let layer = |skip: usize| encoding.layers[encoding.layers.len() - skip].clone();
        match (self.is_xl, clip_skip) {
            (true, skip) => layer(skip.max(2)),
            (false, 1) => encoding.last.clone(),
            (false, skip) => encoder.normed(layer(skip)),
        }
    }
}

/// Splits a text into the chunks that a text encoder reads.
pub(crate) fn chunks(tokenizer: &Tokenizer, text: &Text) -> Vec<Chunk> {
    let comma = tokenizer.pieces(",").first().and_then(|piece| piece.first().copied());
    let text = if text.syntax == Syntax::Plain { text.clone() } else { text.with_bare_embeddings() };
    text.chunks(tokenizer.room(), comma, &|text| tokenizer.pieces(text)).chunks
}

/// Applies the weights of tokens to their states, `[chunks, tokens, width]`.
///
/// As ComfyUI does, away from the states of an empty text, if these are given; otherwise as AUTOMATIC1111's program: by a factor,
/// with the mean of each chunk restored.
fn weighted(states: Tensor<3>, chunks: &[Chunk], empty: Option<&Tensor<3>>) -> Tensor<3> {
    let (dtype, [count, tokens, _]) = (states.dtype(), states.dims());
    let weights = chunks.iter().flat_map(|chunk| {
        let start = [1.0].into_iter().chain(chunk.weights.iter().copied());
        start.chain(std::iter::repeat(1.0)).take(tokens).map(|weight| weight as f32)
    });
    let weights = TensorData::new(weights.collect::<Vec<f32>>(), [count, tokens, 1]);
    let weights = Tensor::<3>::from_data(weights, (&states.device(), DType::F32));
    let states = states.cast(FloatDType::F32);
    let weighted = match empty {
        // In this order a weight of 1 changes no bit.
        Some(empty) => states.clone() + (states - empty.clone().cast(FloatDType::F32)) * (weights - 1.0),
        None => {
            let mean = |states: &Tensor<3>| states.clone().mean_dim(2).mean_dim(1);
            let weighted = states.clone() * weights;
            let restored = mean(&states) / mean(&weighted);
            weighted * restored
        }
    };
    weighted.cast(dtype)
}
