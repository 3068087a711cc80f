use burn::tensor::Tensor;

use super::source::Source;
use crate::WeightsError;

/// Lengths to which the parts of a changed matrix are scaled: DoRA (Liu et al. 2024, equation 5).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Magnitude {
    pub key: String,
    pub rule: Rule,
}

/// The program that wrote the lengths, which decides the meaning of weights other than 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// LyCORIS, kohya's programs, ComfyUI and AUTOMATIC1111's: the weight scales the whole change, lengths included.
    Lycoris,
    /// PEFT and diffusers: the weight scales the low-rank change only; the lengths are always the file's.
    Peft,
}

impl Magnitude {
    /// Whether there is a length for each part of a weight of `shape`.
    pub fn fits(&self, shape: &[usize], source: &Source) -> bool {
        self.is_of_inputs(shape, source).is_some()
    }

    /// Whether there is a length per input, rather than per output; `None` if their number is neither.
    ///
    /// In LyCORIS' files their shape multiplies a weight directly: `[1, inputs, …]` or `[outputs, 1, …]`.
    fn is_of_inputs(&self, shape: &[usize], source: &Source) -> Option<bool> {
        let found = source.shape(&self.key);
        let count: usize = found.iter().product();
        let [outputs, inputs, ..] = *shape else { return None };
        let is_of_inputs = match self.rule {
            Rule::Lycoris => matches!(found, [1, inputs, ..] if *inputs > 1) || (found.len() == 1 && count != outputs),
            Rule::Peft => false,
        };
        (count == if is_of_inputs { inputs } else { outputs }).then_some(is_of_inputs)
    }

    /// Scales `changed`, of a weight of `shape`, to these lengths.
    pub fn apply(&self, changed: Tensor<2>, shape: &[usize], source: &Source) -> Result<Tensor<2>, WeightsError> {
        let [rows, columns] = changed.dims();
        let lengths: Vec<f32> = source.values(&self.key)?.into_iter().map(|length| length as f32).collect();
        let parts = lengths.len();
        let lengths = Tensor::<1>::from_floats(lengths.as_slice(), &changed.device()).reshape([1, parts, 1]);
        let is_of_inputs = self.is_of_inputs(shape, source) == Some(true);
        let changed = changed.reshape(if is_of_inputs { [rows, parts, columns / parts] } else { [1, rows, columns] });
        // A part that is zero has no direction, and stays zero.
        let found = changed.clone().square().sum_dim(0).sum_dim(2).sqrt().clamp_min(f32::MIN_POSITIVE);
        Ok((changed / found * lengths).reshape([rows, columns]))
    }
}
