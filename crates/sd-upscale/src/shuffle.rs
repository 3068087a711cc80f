use burn::tensor::Tensor;

/// Moves each square of `factor` by `factor` pixels into the channels, as PyTorch's `pixel_unshuffle`.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`, height and width multiples of the factor
/// - output: `[batch, channels·factor², height/factor, width/factor]`
pub(crate) fn unshuffle(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let (rows, columns) = (height / factor, width / factor);
    let split: Tensor<6> = x.reshape([batch, channels, rows, factor, columns, factor]);
    split.permute([0, 1, 3, 5, 2, 4]).reshape([batch, channels * factor * factor, rows, columns])
}

/// The reverse of [`unshuffle`]: moves channels into squares of pixels, as PyTorch's `pixel_shuffle`.
///
/// # Shapes
///
/// - x: `[batch, channels·factor², height, width]`
/// - output: `[batch, channels, factor·height, factor·width]`
pub(crate) fn shuffle(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [batch, all, height, width] = x.dims();
    let channels = all / (factor * factor);
    let split: Tensor<6> = x.reshape([batch, channels, factor, factor, height, width]);
    split.permute([0, 1, 4, 2, 5, 3]).reshape([batch, channels, height * factor, width * factor])
}
