use std::fmt::Debug;
use std::path::Path;

use burn::tensor::Tensor;

use crate::WeightsError;

/// A change of one tensor, which its network's weights keep until they are loaded.
pub(crate) trait Patch: Debug + Send + Sync {
    /// Sorts the patches of a tensor, so that their sum does not depend on the order of merging.
    fn rank(&self) -> (&Path, u64);

    /// Returns what to add to `weight`, which has `shape` in the model.
    ///
    /// # Shapes
    ///
    /// - weight: `[output, input · kernel]`
    /// - output: the same
    fn delta(&self, weight: &Tensor<2>, shape: &[usize]) -> Result<Tensor<2>, WeightsError>;
}
