use burn::tensor::Tensor;

/// What to step along, given the network's outputs of up to four levels in a row, the newest last.
///
/// The classical coefficients of Adams and Bashforth for equal steps (Liu et al. 2022, equation 12). The levels of a
/// schedule are not equally far apart, so the order that is reached is 2, whatever the number of outputs.
///
/// # Panics
///
/// Panics without outputs, or with more than four.
pub(crate) fn blend(outputs: impl ExactSizeIterator<Item = Tensor<4>>) -> Tensor<4> {
    let weights: &[f64] = match outputs.len() {
        1 => &[1.0],
        2 => &[-1.0 / 2.0, 3.0 / 2.0],
        3 => &[5.0 / 12.0, -16.0 / 12.0, 23.0 / 12.0],
        4 => &[-9.0 / 24.0, 37.0 / 24.0, -59.0 / 24.0, 55.0 / 24.0],
        n => panic!("{n} outputs, but 1 to 4 are blended"),
    };
    outputs.zip(weights).map(|(output, weight)| output * *weight).reduce(|a, b| a + b).expect("at least one")
}
