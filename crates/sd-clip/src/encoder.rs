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
        self.encode(self.embeddings.rows(prompts), prompts)
    }

    /// Encodes prompts in which the ids from the size of the vocabulary on stand for the rows of `added`, as if these were
    /// [appended](Self::with_tokens). The table itself is not copied, and gets no gradients.
    ///
    /// # Shapes
    ///
    /// - prompts: `batch` times `tokens` ids
    /// - added: `[added tokens, hidden_size]`
    /// - output: see [`TextEncoding`]
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward), and if the rows have another width.
    pub fn forward_with_tokens(&self, prompts: &[Vec<u32>], added: Tensor<2>) -> TextEncoding {
        self.encode(self.embeddings.rows_with(prompts, added), prompts)
    }

    /// Returns the vectors of tokens.
    ///
    /// # Shapes
    ///
    /// - output: `[ids, hidden_size]`
    ///
    /// # Panics
    ///
    /// Panics for an id outside the vocabulary.
    pub fn token_vectors(&self, ids: &[u32]) -> Tensor<2> {
        self.embeddings.rows(&[ids.to_vec()]).squeeze_dim(0)
    }

    /// Encodes the tokens' vectors, `[batch, tokens, hidden_size]`.
    fn encode(&self, tokens: Tensor<3>, prompts: &[Vec<u32>]) -> TextEncoding {
        let mut x = self.embeddings.with_positions(tokens, self.dtype());
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
    /// Returns the vector of each token, `[batch, tokens, hidden_size]`.
    fn rows(&self, prompts: &[Vec<u32>]) -> Tensor<3> {
        let [vocabulary, _] = self.token_embedding.weight.dims();
        let [batch, tokens] = dims(prompts);
        let ids: Vec<i32> = prompts.iter().flatten().map(|&id| id as i32).collect();
        assert!(ids.iter().all(|&id| (id as usize) < vocabulary), "a token id outside the vocabulary of {vocabulary}");
        let device = self.token_embedding.weight.device();
        self.token_embedding.forward(Tensor::<2, Int>::from_data(TensorData::new(ids, [batch, tokens]), &device))
    }

    /// The same, where the ids from the size of the vocabulary on are the rows of `added`.
    fn rows_with(&self, prompts: &[Vec<u32>], added: Tensor<2>) -> Tensor<3> {
        let [vocabulary, width] = self.token_embedding.weight.dims();
        let ([batch, tokens], [rows, found]) = (dims(prompts), added.dims());
        assert_eq!(found, width, "vectors of {found} for a text encoder of {width}");
        let (count, device) = (batch * tokens, added.device());
        let places = || prompts.iter().flatten().map(|&id| (id as usize).checked_sub(vocabulary));
        assert!(places().flatten().all(|row| row < rows), "a token id outside the vocabulary of {vocabulary} + {rows}");
        // Where a prompt has a token of one kind, any row of the other is looked up and not used.
        let is_known = |id: u32| (id as usize) < vocabulary;
        let known: Vec<Vec<u32>> =
            prompts.iter().map(|ids| ids.iter().map(|&id| if is_known(id) { id } else { 0 }).collect()).collect();
        let known = self.rows(&known).reshape([count, width]).cast(added.dtype());
        let known = if added.is_autodiff() { known.autodiff() } else { known };
        let chosen: Vec<i32> = places().map(|row| row.unwrap_or(0) as i32).collect();
        let chosen = added.select(0, Tensor::<1, Int>::from_data(TensorData::new(chosen, [count]), &device));
        let is_added: Vec<bool> = places().map(|row| row.is_some()).collect();
        let is_added = Tensor::<2, Bool>::from_data(TensorData::new(is_added, [count, 1]), &device);
        known.mask_where(is_added.expand([count, width]), chosen).reshape([batch, tokens, width])
    }

    /// Adds the vectors of the positions, which are in a precision of their own.
    fn with_positions(&self, tokens: Tensor<3>, dtype: DType) -> Tensor<3> {
        let [positions, _] = self.position_embedding.weight.dims();
        let [_, length, _] = tokens.dims();
        assert!(length <= positions, "{length} tokens, but the position table has {positions}");
        let device = self.position_embedding.weight.device();
        let indices = Tensor::<1, Int>::arange(0..length as i64, &device).unsqueeze::<2>();
        tokens.cast(dtype) + self.position_embedding.forward(indices).cast(dtype)
    }
}

/// Returns the number of prompts and their length.
fn dims(prompts: &[Vec<u32>]) -> [usize; 2] {
    let tokens = prompts.first().expect("no prompts to encode").len();
    assert!(prompts.iter().all(|ids| ids.len() == tokens), "prompts of different lengths");
    [prompts.len(), tokens]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prompt_is_its_first_end_token() {
        assert_eq!(end_position(&[9, 3, 4, 8, 8, 8], 8), 3);
        assert_eq!(end_position(&[8, 3, 4, 9, 0, 0], 2), 3);
    }

    fn encoder() -> ClipText {
        let config = ClipTextConfig {
            vocab_size: 20,
            hidden_size: 8,
            intermediate_size: 16,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            max_position_embeddings: 6,
            ..ClipTextConfig::sd1()
        };
        config.init(&Device::flex())
    }

    #[test]
    fn added_tokens_are_read_as_if_they_were_part_of_the_vocabulary() {
        let (encoder, added) = (encoder(), Tensor::<2>::ones([2, 8], &Device::flex()) * 0.3);
        let prompts = [vec![1, 20, 21, 4, 5, 6], vec![21, 2, 3, 4, 5, 20]];
        let appended = encoder.clone().with_tokens(added.clone()).forward(&prompts).last;
        appended.into_data().assert_eq(&encoder.forward_with_tokens(&prompts, added).last.into_data(), true);
        // A token with the vector of another is that other.
        let [plain, copied] = [[9, 4], [20, 4]].map(|[id, next]| vec![1, id, next, 2, 2, 2]);
        let copy = encoder.token_vectors(&[9]);
        let expected = encoder.forward(&[plain]).last.into_data();
        encoder.forward_with_tokens(&[copied], copy).last.into_data().assert_eq(&expected, true);
    }

    #[test]
    fn a_token_never_sees_the_tokens_after_it() {
        let encoder = encoder();
        let encode = |ids: &[u32]| encoder.forward(&[ids.to_vec()]).last.slice([0..1, 0..3]).into_data();
        encode(&[1, 2, 3, 4, 5, 6]).assert_eq(&encode(&[1, 2, 3, 9, 9, 9]), true);
    }
}
