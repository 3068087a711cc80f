use std::collections::BTreeMap;
use std::sync::Arc;

use super::encoded_text::EncodedText;

/// What a text encoder that is not trained makes of captions, computed once instead of at each draw.
#[derive(Debug, Clone)]
pub(super) struct EncodedCaptions {
    /// The row of each caption.
    rows: Arc<BTreeMap<Vec<u32>, usize>>,
    encoded: EncodedText,
}

impl EncodedCaptions {
    /// # Panics
    ///
    /// Panics if there is not a row for each caption.
    pub fn new(captions: &[Vec<u32>], encoded: EncodedText) -> Self {
        let (found, expected) = (encoded.len(), captions.len());
        assert_eq!(found, expected, "{found} encodings of {expected} captions");
        Self { rows: Arc::new(captions.iter().cloned().zip(0..).collect()), encoded }
    }

    /// Returns the encodings of captions.
    pub fn of(&self, captions: &[Vec<u32>]) -> EncodedText {
        self.encoded.select(&captions.iter().map(|caption| self.rows[caption]).collect::<Vec<_>>())
    }
}
