use burn::tensor::Tensor;

/// Prompts as a model's text encoders see them, one row each.
#[derive(Debug, Clone)]
pub struct Embeddings {
    /// What the backbone attends to: `[rows, tokens, width]`.
    pub context: Tensor<3>,
    /// The vector of the whole prompt: `[rows, width]`, for Stable Diffusion XL.
    pub pooled: Option<Tensor<2>>,
}

impl Embeddings {
    /// How many prompts there are.
    pub fn rows(&self) -> usize {
        self.context.dims()[0]
    }

    /// The rows of several, one after the other.
    ///
    /// # Panics
    ///
    /// Panics for none, for different widths or numbers of tokens, or where some have a pooled vector and some have not.
    pub fn join(parts: &[Self]) -> Self {
        let pooled: Option<Vec<_>> = parts.iter().map(|part| part.pooled.clone()).collect();
        assert!(
            pooled.is_some() || parts.iter().all(|part| part.pooled.is_none()),
            "pooled vectors for some prompts and not for others"
        );
        Self {
            context: Tensor::cat(parts.iter().map(|part| part.context.clone()).collect(), 0),
            pooled: pooled.map(|pooled| Tensor::cat(pooled, 0)),
        }
    }

    /// Zeros of the same shapes.
    pub fn zeros_like(&self) -> Self {
        Self { context: self.context.zeros_like(), pooled: self.pooled.as_ref().map(Tensor::zeros_like) }
    }

    /// Tokens and width of the context, and width of the pooled vector.
    pub fn widths(&self) -> ([usize; 2], Option<usize>) {
        let [_, tokens, width] = self.context.dims();
        ([tokens, width], self.pooled.as_ref().map(|pooled| pooled.dims()[1]))
    }

    /// The same with zeros in the first half of the rows.
    pub fn without_first_half(self) -> Self {
        Self { context: without_first_half(self.context), pooled: self.pooled.map(without_first_half) }
    }
}

fn without_first_half<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let [first, second] = x.chunk(2, 0).try_into().expect("two halves");
    Tensor::cat(vec![first.zeros_like(), second], 0)
}
