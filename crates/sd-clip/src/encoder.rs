use burn::module::Param;
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::project;

use crate::ClipTextConfig;
use crate::layer::{Layer, LayerConfig};

/// A CLIP text encoder: a causal transformer over the tokens of a prompt (Radford et al. 2021).
///
/// Field names are the checkpoint's, without the leading `text_model.`.
#[derive(Module, Debug)]
pub struct ClipText {
    embeddings: Embeddings,
    encoder: Encoder,
    final_layer_norm: LayerNorm,
    text_projection: Option<Linear>,
    eos_token_id: u32,
}

/// The output of [`ClipText`] for a batch of prompts.
#[derive(Debug, Clone)]
pub struct TextEncoding {
    /// After each layer, not normed: `[batch, tokens, hidden_size]`. Stable Diffusion XL reads the [penultimate](Self::penultimate).
    pub layers: Vec<Tensor<3>>,
    /// After the last layer and the final norm: `[batch, tokens, hidden_size]`. Stable Diffusion 1.x and 2.x.
    pub last: Tensor<3>,
    /// `last` at each prompt's end token, projected where the encoder has a projection:
    /// `[batch, projection_dim or hidden_size]`.
    pub pooled: Tensor<2>,
}

impl TextEncoding {
    /// The output of the last layer but one, not normed: `[batch, tokens, hidden_size]`.
    ///
    /// # Panics
    ///
    /// Panics if the encoder has a single layer.
    pub fn penultimate(&self) -> Tensor<3> {
        self.layers[self.layers.len() - 2].clone()
    }
}

#[derive(Module, Debug)]
struct Embeddings {
    token_embedding: Embedding,
    position_embedding: Embedding,
}

#[derive(Module, Debug)]
struct Encoder {
    layers: Vec<Layer>,
}

impl ClipTextConfig {
    /// Creates the encoder on `device`, with random weights.
    pub fn init(&self, device: &Device) -> ClipText {
        let embedding = |count| EmbeddingConfig::new(count, self.hidden_size).init(device);
        let layer = LayerConfig {
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_attention_heads: self.num_attention_heads,
            hidden_act: self.hidden_act,
            layer_norm_eps: self.layer_norm_eps,
            is_causal: true,
        };
        ClipText {
            embeddings: Embeddings {
                token_embedding: embedding(self.vocab_size),
                position_embedding: embedding(self.max_position_embeddings),
            },
            encoder: Encoder { layers: (0..self.num_hidden_layers).map(|_| Layer::new(&layer, device)).collect() },
            final_layer_norm: LayerNormConfig::new(self.hidden_size).with_epsilon(self.layer_norm_eps).init(device),
            text_projection: self
                .projection_dim
                .map(|width| LinearConfig::new(self.hidden_size, width).with_bias(false).init(device)),
            eos_token_id: self.eos_token_id,
        }
    }
}

impl ClipText {
    /// Encodes prompts that were tokenized and padded to one length.
    ///
    /// # Shapes
    ///
    /// - prompts: `batch` times `tokens` ids
    /// - output: see [`TextEncoding`]
    ///
    /// # Panics
    ///
    /// Panics if the prompts have different lengths, are longer than the position table, hold an id outside the
    /// vocabulary, or if there are none.
    pub fn forward(&self, prompts: &[Vec<u32>]) -> TextEncoding {
        let mut x = self.embeddings.forward(prompts, self.dtype());
        let mut layers = Vec::new();
        for layer in &self.encoder.layers {
            x = layer.forward(x);
            layers.push(x.clone());
        }
        let last = self.normed(x);
        let pooled = self.pool(&last, prompts);
        TextEncoding { layers, last, pooled }
    }

    /// Applies the final norm to the output of a layer; models that skip the last layers read that.
    ///
    /// # Shapes
    ///
    /// - x and output: `[batch, tokens, hidden_size]`
    pub fn normed(&self, x: Tensor<3>) -> Tensor<3> {
        self.final_layer_norm.forward(x)
    }

    /// Appends tokens to the vocabulary.
    ///
    /// # Shapes
    ///
    /// - vectors: `[tokens, hidden_size]`
    ///
    /// # Panics
    ///
    /// Panics if the vectors have another width.
    pub fn with_tokens(mut self, vectors: Tensor<2>) -> Self {
        let table = self.embeddings.token_embedding.weight.val().cast(self.dtype());
        let (width, found) = (table.dims()[1], vectors.dims()[1]);
        assert_eq!(found, width, "vectors of {found} for a text encoder of {width}");
        let vectors = vectors.cast(table.dtype());
        self.embeddings.token_embedding.weight = Param::from_tensor(Tensor::cat(vec![table, vectors], 0));
        self
    }

    /// The precision that it computes in.
    fn dtype(&self) -> DType {
        self.final_layer_norm.gamma.val().dtype()
    }

    fn pool(&self, last: &Tensor<3>, prompts: &[Vec<u32>]) -> Tensor<2> {
        let rows = prompts.iter().enumerate().map(|(i, ids)| {
            let end = end_position(ids, self.eos_token_id);
            last.clone().slice([i..i + 1, end..end + 1]).squeeze_dim::<2>(1)
        });
        let pooled = Tensor::cat(rows.collect(), 0);
        match &self.text_projection {
            Some(projection) => project(projection, pooled),
            None => pooled,
        }
    }
}

/// Returns the position of the token that ends a prompt: the first end token, or the first token of the highest id if the
/// config says 2, as configs did before they held the real id; the end token was then the last of the vocabulary.
fn end_position(ids: &[u32], eos_token_id: u32) -> usize {
    let end = match eos_token_id {
        2 => ids.iter().copied().max().unwrap_or(0),
        id => id,
    };
    ids.iter().position(|&id| id == end).unwrap_or(0)
}

impl Embeddings {
    /// Returns the sums of both tables' rows, which are in a precision of their own.
    fn forward(&self, prompts: &[Vec<u32>], dtype: DType) -> Tensor<3> {
        let device = self.token_embedding.weight.device();
        let [vocabulary, _] = self.token_embedding.weight.dims();
        let [positions, _] = self.position_embedding.weight.dims();
        let (batch, tokens) = (prompts.len(), prompts.first().expect("no prompts to encode").len());
        assert!(tokens <= positions, "{tokens} tokens, but the position table has {positions}");
        assert!(prompts.iter().all(|ids| ids.len() == tokens), "prompts of different lengths");
        let ids: Vec<i32> = prompts.iter().flatten().map(|&id| id as i32).collect();
        assert!(ids.iter().all(|&id| (id as usize) < vocabulary), "a token id outside the vocabulary of {vocabulary}");
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [batch, tokens]), &device);
        let indices = Tensor::<1, Int>::arange(0..tokens as i64, &device).unsqueeze::<2>();
        self.token_embedding.forward(ids).cast(dtype) + self.position_embedding.forward(indices).cast(dtype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prompt_is_its_first_end_token() {
        assert_eq!(end_position(&[9, 3, 4, 8, 8, 8], 8), 3);
        assert_eq!(end_position(&[8, 3, 4, 9, 0, 0], 2), 3);
    }

    #[test]
    fn a_token_never_sees_the_tokens_after_it() {
        let config = ClipTextConfig {
            vocab_size: 20,
            hidden_size: 8,
            intermediate_size: 16,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            max_position_embeddings: 6,
            ..ClipTextConfig::sd1()
        };
        let encoder = config.init(&Device::flex());
        let encode = |ids: &[u32]| encoder.forward(&[ids.to_vec()]).last.slice([0..1, 0..3]).into_data();
        encode(&[1, 2, 3, 4, 5, 6]).assert_eq(&encode(&[1, 2, 3, 9, 9, 9]), true);
    }
}
