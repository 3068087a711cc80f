use std::ops::Range;

use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Int, Tensor, TensorData};

/// Returns an image with each row and column twice.
pub(crate) fn upsample(x: Tensor<4>) -> Tensor<4> {
    let [.., height, width] = x.dims();
    resize(x, [2 * height, 2 * width])
}

/// Returns some of the rows of an [`upsample`]d image.
pub(crate) fn upsample_rows(x: Tensor<4>, rows: Range<usize>) -> Tensor<4> {
    let [.., height, width] = x.dims();
    if rows == (0..2 * height) {
        return upsample(x);
    }
    let count = rows.len();
    let sources: Vec<i64> = rows.map(|row| (row / 2) as i64).collect();
    let sources: Tensor<1, Int> = Tensor::from_data(TensorData::new(sources, [count]), &x.device());
    resize(x.select(2, sources), [count, 2 * width])
}

fn resize(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size(size))
}
