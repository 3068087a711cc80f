use burn::tensor::{Device, Tensor};

use super::source::Source;
use crate::WeightsError;
use crate::tensor_view::matrix_shape;

/// A matrix `[output, rest]` as a LoRA file stores it; `rest` is the number of inputs times the size of a convolution's
/// kernel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Factor {
    /// One tensor.
    Whole(String),
    /// A product of two: `[output, rank]` and `[rank, rest]`.
    Product(String, String),
    /// The transpose of such a product, for tables of embeddings: `[rank, output]` and `[rest, rank]`.
    Transposed(String, String),
    /// Tucker's decomposition of a convolution: a core `[rank, rank, height, width]`, the matrix at its output, and the
    /// matrix at its input, `[rank, input]`.
    Tucker { core: String, output: Side, input: String },
}

/// A matrix at a core's output.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Side {
    /// `[output, rank]`, as in LoCon.
    OutputRank(String),
    /// `[rank, output]`, as in LoHa and LoKr.
    RankOutput(String),
}

impl Factor {
    /// Returns the rank, if this is not one tensor.
    pub fn rank(&self, source: &Source) -> Option<usize> {
        match self {
            Self::Whole(_) => None,
            Self::Product(_, first) | Self::Transposed(first, _) | Self::Tucker { input: first, .. } => {
                source.shape(first).first().copied()
            }
        }
    }

    /// Returns its rows and columns.
    pub fn shape(&self, source: &Source) -> [usize; 2] {
        match self {
            Self::Whole(key) => matrix_shape(source.shape(key)),
            Self::Product(output, input) => {
                [matrix_shape(source.shape(output))[0], matrix_shape(source.shape(input))[1]]
            }
            Self::Transposed(output, input) => {
                [matrix_shape(source.shape(output))[1], matrix_shape(source.shape(input))[0]]
            }
            Self::Tucker { core, output, input } => {
                let kernel: usize = source.shape(core).iter().skip(2).product();
                let rows = match output {
                    Side::OutputRank(key) => matrix_shape(source.shape(key))[0],
                    Side::RankOutput(key) => matrix_shape(source.shape(key))[1],
                };
                [rows, matrix_shape(source.shape(input))[1] * kernel]
            }
        }
    }

    /// Whether its tensors fit each other.
    pub fn is_sound(&self, source: &Source) -> bool {
        match self {
            Self::Whole(key) => !source.shape(key).is_empty(),
            Self::Product(output, input) => {
                matrix_shape(source.shape(output))[1] == matrix_shape(source.shape(input))[0]
            }
            Self::Transposed(output, input) => {
                matrix_shape(source.shape(output))[0] == matrix_shape(source.shape(input))[1]
            }
            Self::Tucker { core, output, input } => {
                let rank = match output {
                    Side::OutputRank(key) => matrix_shape(source.shape(key))[1],
                    Side::RankOutput(key) => matrix_shape(source.shape(key))[0],
                };
                matches!(source.shape(core), [a, b, _, _] if *a == rank && *b == matrix_shape(source.shape(input))[0])
            }
        }
    }

    /// Reads the matrix.
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
