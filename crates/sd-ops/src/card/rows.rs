//! Tensors as rows of numbers that lie next to each other.

use burn::tensor::Shape;
use burn_cubecl::cubecl::zspace::metadata::Metadata;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::permute_nchw_to_nhwc;
use burn_cubecl::tensor::CubeTensor;

/// A tensor whose rows, along its last axis, are all equally far apart.
pub struct Rows {
    pub tensor: CubeTensor,
    /// How many rows there are.
    pub count: usize,
    /// How many numbers a row has.
    pub width: usize,
    /// How many numbers lie between the starts of two rows.
    pub stride: usize,
}

impl Rows {
    /// The tensor's rows where they lie, if they lie so, or else of a copy.
    pub fn of(tensor: CubeTensor) -> Self {
        let shape: Vec<usize> = tensor.meta.shape().iter().copied().collect();
        let width = shape.last().copied().unwrap_or(1);
        let count = shape.iter().product::<usize>() / width.max(1);
        match stride(&shape, tensor.meta.strides()) {
            Some(stride) => Self { tensor, count, width, stride },
            None => Self { tensor: into_contiguous(tensor), count, width, stride: width },
        }
    }
}

/// How far apart all rows of a tensor lie, if that can be said.
fn stride(shape: &[usize], strides: &[usize]) -> Option<usize> {
    // An axis of one element is never stepped along.
    let axes: Vec<_> = shape.iter().zip(strides).filter(|(size, _)| **size != 1).collect();
    let Some(((width, 1), rows)) = axes.split_last().map(|((size, stride), rows)| ((**size, **stride), rows)) else {
        return None;
    };
    let Some((last, before)) = rows.split_last() else {
        return Some(width);
    };
    let mut expected = last.0 * last.1;
    for (size, stride) in before.iter().rev() {
        if **stride != expected {
            return None;
        }
        expected *= **size;
    }
    (shape.last() != Some(&1)).then_some(*last.1)
}

/// A picture `[batch, channels, height, width]` as tokens `[batch, height·width, channels]`, where it lies if its pixels do.
pub fn tokens(x: CubeTensor) -> CubeTensor {
    let pixels = permute_nchw_to_nhwc(x);
    let [batch, height, width, channels] = [0, 1, 2, 3].map(|axis| pixels.meta.shape()[axis]);
    let Rows { mut tensor, stride, .. } = Rows::of(pixels);
    let strides = [height * width * stride, stride, 1];
    *tensor.meta = Metadata::new(Shape::from([batch, height * width, channels]), strides);
    tensor
}
