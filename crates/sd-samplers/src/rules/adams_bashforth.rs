use burn::tensor::Tensor;

/// Blends the network's outputs at up to four consecutive levels, the newest last, into the one to step along.
///
/// Uses the classical coefficients for equal steps (Liu et al. 2022, equation 12). The levels of a schedule are not equally
/// spaced, so the order is at most 2, whatever the number of outputs.
///
/// # Panics
///
/// Panics without outputs, or with more than four.
pub(crate) fn blend(outputs: impl ExactSizeIterator<Item = Tensor<4>>) -> Tensor<4> {
    let weights = coefficients(outputs.len());
    outputs.zip(weights).map(|(output, weight)| output * *weight).reduce(|a, b| a + b).expect("at least one")
}

/// The coefficients of Adams and Bashforth for the slopes at `count` equally spaced times, the newest last, in the next step.
///
/// # Panics
///
/// Panics if the count is not 1 to 4.
pub(crate) fn coefficients(count: usize) -> &'static [f64] {
    match count {
        1 => &[1.0],
        2 => &[-1.0 / 2.0, 3.0 / 2.0],
        3 => &[5.0 / 12.0, -16.0 / 12.0, 23.0 / 12.0],
        4 => &[-9.0 / 24.0, 37.0 / 24.0, -59.0 / 24.0, 55.0 / 24.0],
        n => panic!("{n} outputs, but 1 to 4 are blended"),
    }
}
