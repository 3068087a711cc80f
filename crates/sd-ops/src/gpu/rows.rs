//! Tensors as rows of values that lie next to each other.

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
    /// How many values a row has.
    pub width: usize,
    /// How many values lie between the starts of two rows.
    pub stride: usize,
}

impl Rows {
    /// The tensor's rows where they lie, if they lie so, or else of a copy.
    pub fn new(tensor: CubeTensor) -> Self {
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
    let ((width, rows), (step, strides)) = (shape.split_last()?, strides.split_last()?);
    if *width > 1 && *step != 1 {
        return None;
    }
    // An axis of one is never stepped along.
    let mut axes = rows.iter().zip(strides).rev().filter(|(count, _)| **count != 1);
    let Some((count, stride)) = axes.next() else {
        return Some(*width);
    };
    let mut expected = count * stride;
    for (count, stride) in axes {
        if *stride != expected {
            return None;
        }
        expected *= count;
    }
    Some(*stride)
}

/// An image `[batch, channels, height, width]` as tokens `[batch, height·width, channels]`, where it lies if its pixels do.
pub fn tokens(x: CubeTensor) -> CubeTensor {
    let pixels = permute_nchw_to_nhwc(x);
    let [batch, height, width, channels] = pixels.meta.shape().dims();
    let Rows { mut tensor, stride, .. } = Rows::new(pixels);
    let strides = [height * width * stride, stride, 1];
    *tensor.meta = Metadata::new(Shape::from([batch, height * width, channels]), strides);
    tensor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_far_apart_as_all_their_axes_say() {
        assert_eq!(stride(&[2, 3, 5], &[15, 5, 1]), Some(5));
        // As CUDA's memory has them: a few values of each row are left free.
        assert_eq!(stride(&[2, 3, 5], &[24, 8, 1]), Some(8));
        assert_eq!(stride(&[2, 1, 5], &[24, 7, 1]), Some(24));
        assert_eq!(stride(&[1, 1, 5], &[24, 7, 1]), Some(5));
        assert_eq!(stride(&[2, 3, 1], &[12, 4, 9]), Some(4));
        for (shape, strides) in [([2, 3, 5], [15, 1, 3]), ([2, 3, 5], [32, 8, 1]), ([2, 3, 5], [0, 5, 1])] {
            assert_eq!(stride(&shape, &strides), None, "{shape:?} {strides:?}");
        }
    }
}
