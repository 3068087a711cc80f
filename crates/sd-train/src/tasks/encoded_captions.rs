use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::{Int, Tensor, TensorData};

/// What a text encoder that is not trained makes of captions, computed once instead of at each draw.
#[derive(Debug, Clone)]
pub(super) struct EncodedCaptions {
    /// The row of each caption.
    rows: Arc<BTreeMap<Vec<u32>, usize>>,
    /// `[captions, tokens, width]`.
    encoded: Tensor<3>,
}

impl EncodedCaptions {
    /// # Panics
    ///
    /// Panics if there is not a row for each caption.
    pub fn new(captions: &[Vec<u32>], encoded: Tensor<3>) -> Self {
        let (found, expected) = (encoded.dims()[0], captions.len());
        assert_eq!(found, expected, "{found} encodings of {expected} captions");
        Self { rows: Arc::new(captions.iter().cloned().zip(0..).collect()), encoded }
    }

    /// Returns the encodings of captions, `[captions, tokens, width]`.
    pub fn of(&self, captions: &[Vec<u32>]) -> Tensor<3> {
        let rows: Vec<i32> = captions.iter().map(|caption| self.rows[caption] as i32).collect();
        let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [captions.len()]), &self.encoded.device());
        self.encoded.clone().select(0, rows)
    }
}
