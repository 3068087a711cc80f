use std::borrow::Cow;

use burn::module::Module;
use sd_ops::{MappedWeights, pack};
use sd_weights::Weights;

/// Returns weights to load, which stay in their files if these are given.
pub(crate) fn placed<'a>(weights: &'a Weights, files: Option<&MappedWeights>) -> Cow<'a, Weights> {
    files.map_or(Cow::Borrowed(weights), |files| Cow::Owned(weights.in_files(files)))
}

/// Packs the weights of a loaded network, unless they stay in files: packed weights would be copies.
pub(crate) fn packed<M: Module>(network: M, files: Option<&MappedWeights>) -> M {
    if files.is_some() { network } else { pack(network) }
}
