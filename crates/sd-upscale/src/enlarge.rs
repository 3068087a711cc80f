use burn::tensor::Tensor;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};

/// Repeats each pixel `factor` times in both directions.
pub(crate) fn repeat_pixels(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let size = [factor * height, factor * width];
    interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size(size))
}
