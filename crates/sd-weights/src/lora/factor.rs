use burn::tensor::{Device, Tensor};

use super::Source;
use crate::WeightsError;

/// A matrix of the shape `[output, rest]`, where `rest` is the input times a convolution's kernel, as a LoRA file has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Factor {
    /// As one tensor.
    Whole(String),
    /// As a product of two: `[output, rank]` and `[rank, rest]`.
    Product(String, String),
    /// As the transpose of such a product, which tables of embeddings have: `[rank, output]` and `[rest, rank]`.
    Transposed(String, String),
    /// By Tucker's decomposition of a convolution: a core `[rank, rank, height, width]`, what its output is multiplied
    /// with, and what its input is, `[rank, input]`.
    Tucker { core: String, output: Side, input: String },
}

/// A matrix at a core's output.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Side {
    /// `[output, rank]`, as LoCon has it.
    OutputRank(String),
    /// `[rank, output]`, as LoHa and LoKr have it.
    RankOutput(String),
}

impl Factor {
    /// The rank, where this is not one tensor.
    pub fn rank(&self, source: &Source) -> Option<usize> {
        match self {
            Self::Whole(_) => None,
            Self::Product(_, first) | Self::Transposed(first, _) | Self::Tucker { input: first, .. } => {
                source.shape(first).first().copied()
            }
        }
    }

    /// Its rows and columns.
    pub fn shape(&self, source: &Source) -> [usize; 2] {
        match self {
            Self::Whole(key) => flat(source.shape(key)),
            Self::Product(output, input) => [flat(source.shape(output))[0], flat(source.shape(input))[1]],
            Self::Transposed(output, input) => [flat(source.shape(output))[1], flat(source.shape(input))[0]],
            Self::Tucker { core, output, input } => {
                let kernel: usize = source.shape(core).iter().skip(2).product();
                let rows = match output {
                    Side::OutputRank(key) => flat(source.shape(key))[0],
                    Side::RankOutput(key) => flat(source.shape(key))[1],
                };
                [rows, flat(source.shape(input))[1] * kernel]
            }
        }
    }

    /// Whether the tensors it is made of fit each other.
    pub fn is_sound(&self, source: &Source) -> bool {
        match self {
            Self::Whole(key) => !source.shape(key).is_empty(),
            Self::Product(output, input) => flat(source.shape(output))[1] == flat(source.shape(input))[0],
            Self::Transposed(output, input) => flat(source.shape(output))[0] == flat(source.shape(input))[1],
            Self::Tucker { core, output, input } => {
                let rank = match output {
                    Side::OutputRank(key) => flat(source.shape(key))[1],
                    Side::RankOutput(key) => flat(source.shape(key))[0],
                };
                matches!(source.shape(core), [a, b, _, _] if *a == rank && *b == flat(source.shape(input))[0])
            }
        }
    }

    /// The matrix.
    pub fn read(&self, source: &Source, device: &Device) -> Result<Tensor<2>, WeightsError> {
        match self {
            Self::Whole(key) => source.matrix(key, device),
            Self::Product(output, input) => Ok(source.matrix(output, device)?.matmul(source.matrix(input, device)?)),
            Self::Transposed(output, input) => {
                Ok(source.matrix(input, device)?.matmul(source.matrix(output, device)?).transpose())
            }
            Self::Tucker { core, output, input } => {
                let output = match output {
                    Side::OutputRank(key) => source.matrix(key, device)?,
                    Side::RankOutput(key) => source.matrix(key, device)?.transpose(),
                };
                let input = source.matrix(input, device)?;
                let ([outputs, _], [rank, inputs]) = (output.dims(), input.dims());
                let kernel: usize = source.shape(core).iter().skip(2).product();
                let left = output.matmul(source.matrix(core, device)?).reshape([outputs, rank, kernel]);
                let both = left.swap_dims(1, 2).reshape([outputs * kernel, rank]).matmul(input);
                Ok(both.reshape([outputs, kernel, inputs]).swap_dims(1, 2).reshape([outputs, inputs * kernel]))
            }
        }
    }
}

/// A tensor's shape as a matrix: its first dimension, and the others.
pub(crate) fn flat(shape: &[usize]) -> [usize; 2] {
    [shape.first().copied().unwrap_or(1), shape.iter().skip(1).product()]
}
