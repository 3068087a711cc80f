//! Work of the network that is done once and used again.

mod deep_cache;
mod fast;
mod turns;

use serde::{Deserialize, Serialize};

pub use self::deep_cache::{DeepCache, DeepCacheError, Uneven};
pub use self::fast::Fast;
pub(crate) use self::turns::{Text, Turn, Turns};

/// What calls of the network take from earlier calls, or leave out, so that an image needs less arithmetic and is almost the same.
///
/// The default leaves everything to [`Fast`], or else computes all of it. In serde every field may be left out, and an unknown field is
/// an error.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reuse {
    /// Deep features of the network, computed in some of the calls (DeepCache).
    pub deep_cache: Option<DeepCache>,
    /// The share of the steps after which the text is no longer read, above 0 and up to 1, which is never (T-GATE: Zhang et al. 2024).
    ///
    /// In the last step before, the outputs of the cross-attention are kept, in the mean over the prompt and the negative prompt.
    /// Afterwards the network runs once for each image, with these outputs and without guidance.
    pub text_gate: Option<f64>,
    /// Guidance in every n-th call, at least 1: in between, what it added last is added again.
    pub guidance_every: Option<usize>,
    /// The share of the pixels that self-attention at the network's finest level merges into others, from 0 to below 0.75 (token
    /// merging: Bolya & Hoffman 2023).
    pub merge_tokens: Option<f64>,
}

impl Reuse {
    /// These values, and those of `other` where there are none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            deep_cache: self.deep_cache.or(other.deep_cache),
            text_gate: self.text_gate.or(other.text_gate),
            guidance_every: self.guidance_every.or(other.guidance_every),
            merge_tokens: self.merge_tokens.or(other.merge_tokens),
        }
    }

    /// Without the values that change nothing.
    #[must_use]
    pub(crate) fn effective(self) -> Self {
        Self {
            deep_cache: self.deep_cache.filter(|cache| cache.interval > 1),
            text_gate: self.text_gate.filter(|gate| *gate < 1.0),
            guidance_every: self.guidance_every.filter(|every| *every > 1),
            merge_tokens: self.merge_tokens.filter(|ratio| *ratio > 0.0),
        }
    }
}
