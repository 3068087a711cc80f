use burn::tensor::Tensor;

use super::glora::Glora;
use super::magnitude::{Magnitude, Rule};
use super::multiple::Multiple;
use super::product::Product;
use super::rotation::Rotation;
use super::source::Source;
use crate::WeightsError;
use crate::tensor_view::matrix_shape;

/// The change that a LoRA file makes to one tensor, at the file's own strength.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Delta {
    /// A low-rank matrix, times its strength.
    LowRank(Product, f64),
    /// The same, with lengths to which the changed matrix is scaled.
    Dora(Product, f64, Magnitude),
    /// A tensor that is added, times its strength: LyCORIS' full differences, norms and biases.
    Difference(String, f64),
    /// A tensor that replaces the model's: PEFT's `modules_to_save`.
    Replacement(String),
    /// A low-rank change that depends on the weight, times its strength.
    Glora(Glora, f64),
    /// A factor for each output or input.
    Multiple(Multiple),
    /// An orthogonal matrix that multiplies the weight from the left or the right.
    Rotation(Rotation),
}

impl Delta {
    /// Returns the rows and columns of the matrix that it changes, for a model's tensor of `shape`; `None` if its own tensors
    /// do not fit each other.
    pub fn shape(&self, shape: &[usize], source: &Source) -> Option<[usize; 2]> {
        match self {
            Self::LowRank(product, _) => product.shape(source),
            Self::Dora(product, _, magnitude) => product.shape(source).filter(|_| magnitude.fits(shape, source)),
            Self::Difference(key, _) | Self::Replacement(key) => Some(matrix_shape(source.shape(key))),
            Self::Glora(glora, _) => glora.shape(shape, source),
            Self::Multiple(multiple) => multiple.shape(shape, source),
            Self::Rotation(rotation) => rotation.shape(shape, source),
        }
    }

    /// Computes what to add to `weight` for this change at `scale`.
    ///
    /// # Shapes
    ///
    /// - weight: `[output, input · kernel]`, of a tensor of `shape`
    /// - output: the same
    pub fn evaluate(
        &self,
        weight: &Tensor<2>,
        shape: &[usize],
        scale: f64,
        source: &Source,
    ) -> Result<Tensor<2>, WeightsError> {
        let device = weight.device();
        match self {
            Self::LowRank(product, strength) => Ok(product.read(source, &device)? * (scale * strength)),
            Self::Dora(product, strength, magnitude) => {
                let (within, outside) = match magnitude.rule {
                    Rule::Lycoris => (1.0, scale),
                    Rule::Peft => (scale, 1.0),
                };
                let changed = weight.clone() + product.read(source, &device)? * (within * strength);
                Ok((magnitude.apply(changed, shape, source)? - weight.clone()) * outside)
            }
            Self::Difference(key, strength) => Ok(source.matrix(key, &device)? * (scale * strength)),
            Self::Replacement(key) => Ok((source.matrix(key, &device)? - weight.clone()) * scale),
            Self::Glora(glora, strength) => Ok(glora.read(weight, source)? * (scale * strength)),
            Self::Multiple(multiple) => Ok(multiple.read(weight, source)? * scale),
            Self::Rotation(rotation) => rotation.read(weight, shape, scale, source),
        }
    }
}
