use std::borrow::Cow;

use sd_ops::MappedWeights;
use sd_weights::Weights;

/// Returns weights to load, which stay in their files if these are given.
pub(crate) fn placed<'a>(weights: &'a Weights, files: Option<&MappedWeights>) -> Cow<'a, Weights> {
    files.map_or(Cow::Borrowed(weights), |files| Cow::Owned(weights.in_files(files)))
}
