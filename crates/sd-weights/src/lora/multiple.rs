use burn::tensor::Tensor;

use super::source::Source;
use crate::WeightsError;

/// A factor for each output or each input of a weight: IA3 (Liu et al. 2022, section 3.3).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Multiple {
    pub key: String,
    /// Whether the factors are of inputs, rather than of outputs.
    pub is_of_inputs: bool,
    /// The file's value for no change: 0 in LyCORIS' files, 1 in PEFT's.
    pub neutral: f64,
}

impl Multiple {
    /// Returns the rows and columns of the matrix that it changes, for a weight of `shape`.
    pub fn shape(&self, shape: &[usize], source: &Source) -> Option<[usize; 2]> {
        let count = source.shape(&self.key).iter().product();
        let rest = |from: usize| shape.iter().skip(from).product::<usize>();
        let outputs = *shape.first()?;
        Some(if self.is_of_inputs { [outputs, count * rest(2)] } else { [count, rest(1)] })
    }

    /// Computes what to add to `weight`.
    pub fn read(&self, weight: &Tensor<2>, source: &Source) -> Result<Tensor<2>, WeightsError> {
        let factors: Vec<f32> = source.values(&self.key)?.into_iter().map(|f| (f - self.neutral) as f32).collect();
        let [rows, columns] = weight.dims();
        let count = factors.len();
        let factors = Tensor::<1>::from_floats(factors.as_slice(), &weight.device());
        if !self.is_of_inputs {
            return Ok(weight.clone() * factors.reshape([rows, 1]));
        }
        let by_input = weight.clone().reshape([rows, count, columns / count]);
        Ok((by_input * factors.reshape([1, count, 1])).reshape([rows, columns]))
    }
}
