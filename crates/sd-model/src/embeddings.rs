use burn::tensor::Tensor;

/// Prompts as encoded by a model's text encoders, one row for each.
#[derive(Debug, Clone)]
pub struct Embeddings {
    /// Context of the backbone's attention: `[rows, tokens, width]`.
    pub context: Tensor<3>,
    /// One vector for each whole prompt, `[rows, width]`, for Stable Diffusion XL.
    pub pooled: Option<Tensor<2>>,
}

impl Embeddings {
    /// Number of prompts.
    pub fn rows(&self) -> usize {
        self.context.dims()[0]
    }

    /// Concatenates the rows of several.
    ///
    /// # Panics
    ///
    /// Panics if `parts` is empty, if widths or numbers of tokens differ, or if only some have a pooled vector.
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

    /// Returns one of the rows.
    ///
    /// # Panics
    ///
    /// Panics if there are not so many.
    pub fn row(&self, index: usize) -> Self {
        Self {
            context: self.context.clone().narrow(0, index, 1),
            pooled: self.pooled.as_ref().map(|pooled| pooled.clone().narrow(0, index, 1)),
        }
    }

    /// Returns zeros of the same shapes.
    pub fn zeros_like(&self) -> Self {
        Self { context: self.context.zeros_like(), pooled: self.pooled.as_ref().map(Tensor::zeros_like) }
    }

    /// Returns the tokens and width of the context, and the width of the pooled vector.
    pub fn widths(&self) -> ([usize; 2], Option<usize>) {
        let [_, tokens, width] = self.context.dims();
        ([tokens, width], self.pooled.as_ref().map(|pooled| pooled.dims()[1]))
    }
}
