use std::borrow::Cow;

use burn::module::Module;
use sd_ops::{MappedWeights, pack};
use sd_weights::Weights;

/// How weights are held that are loaded.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Placement<'a> {
    /// The files in which large weights stay, if they do.
    pub files: Option<&'a MappedWeights>,
    /// Whether linear layers multiply integers of 8 bits, where their weights have them.
    pub int8: bool,
}

/// Returns weights to load, which are held so.
pub(crate) fn placed<'a>(weights: &'a Weights, placement: Placement) -> Cow<'a, Weights> {
    let Placement { files, int8 } = placement;
    let weights = files.map_or(Cow::Borrowed(weights), |files| Cow::Owned(weights.in_files(files)));
    if int8 { Cow::Owned(weights.in_panels()) } else { weights }
}

/// Packs the weights of a loaded network, unless they stay in files: packed weights would be copies.
pub(crate) fn packed<M: Module>(network: M, placement: Placement) -> M {
    if placement.files.is_some() { network } else { pack(network) }
}
