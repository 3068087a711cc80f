use burn::tensor::{Int, Tensor, TensorData};

/// What a U-Net reads of captions.
#[derive(Debug, Clone)]
pub struct EncodedText {
    /// The states of the tokens, `[captions, tokens, width]`; for Stable Diffusion XL those of both text encoders, side by side.
    pub states: Tensor<3>,
    /// XL's pooled vectors, `[captions, width]`.
    pub pooled: Option<Tensor<2>>,
}

impl EncodedText {
    /// Returns the captions of several, one after the other.
    ///
    /// # Panics
    ///
    /// Panics if there are none, or if only some have pooled vectors.
    pub fn cat(parts: Vec<Self>) -> Self {
        let (states, pooled): (Vec<_>, Vec<_>) = parts.into_iter().map(|part| (part.states, part.pooled)).unzip();
        let has_pooled = pooled.iter().any(Option::is_some);
        let pooled = has_pooled.then(|| pooled.into_iter().map(|part| part.expect("pooled vectors of all captions")));
        Self { states: Tensor::cat(states, 0), pooled: pooled.map(|pooled| Tensor::cat(pooled.collect(), 0)) }
    }

    /// Number of captions.
    pub(super) fn len(&self) -> usize {
        self.states.dims()[0]
    }

    /// Returns the captions at these places.
    pub(super) fn select(&self, places: &[usize]) -> Self {
        let (count, places) = (places.len(), places.iter().map(|place| *place as i32).collect::<Vec<i32>>());
        let rows = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &self.states.device());
        let pooled = self.pooled.as_ref().map(|pooled| pooled.clone().select(0, rows.clone()));
        Self { states: self.states.clone().select(0, rows), pooled }
    }
}

impl From<Tensor<3>> for EncodedText {
    fn from(states: Tensor<3>) -> Self {
        Self { states, pooled: None }
    }
}
