use burn::tensor::Tensor;

/// What to step along, given the network's outputs of up to four levels in a row, the newest last.
///
/// The classical coefficients of Adams and Bashforth for equal steps (Liu et al. 2022, equation 12). The levels of a
/// schedule are not equally far apart, so the order that is reached is 2, whatever the number of outputs.
///
/// # Panics
///
/// Panics without outputs, or with more than four.
pub(crate) fn blend(outputs: &[Tensor<4>]) -> Tensor<4> {
    let weights: &[f64] = match outputs.len() {
        1 => &[1.0],
        2 => &[-1.0 / 2.0, 3.0 / 2.0],
        3 => &[5.0 / 12.0, -16.0 / 12.0, 23.0 / 12.0],
        4 => &[-9.0 / 24.0, 37.0 / 24.0, -59.0 / 24.0, 55.0 / 24.0],
        n => panic!("{n} outputs, but 1 to 4 are blended"),
    };
    outputs
        .iter()
        .zip(weights)
        .map(|(output, weight)| output.clone() * *weight)
        .reduce(|a, b| a + b)
        .expect("at least one")
}

/// Outputs of the last levels, for [`blend`].
#[derive(Debug, Clone, Default)]
pub(crate) struct History(Vec<Tensor<4>>);

impl History {
    /// Adds the newest output; the fourth before it is forgotten.
    pub fn push(&mut self, output: Tensor<4>) {
        if self.0.len() == 4 {
            self.0.remove(0);
        }
        self.0.push(output);
    }

    /// All that are kept, the newest last.
    pub fn outputs(&self) -> &[Tensor<4>] {
        &self.0
    }
}
