//! Tensors as contiguous rows.

use burn::tensor::Shape;
use burn_cubecl::cubecl::zspace::metadata::Metadata;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::permute_nchw_to_nhwc;
use burn_cubecl::tensor::CubeTensor;

/// A tensor whose rows, along its last axis, are contiguous and evenly spaced.
pub struct Rows {
    pub tensor: CubeTensor,
    /// The number of rows.
    pub count: usize,
    /// The number of values in a row.
    pub width: usize,
    /// Distance between the starts of two rows.
    pub stride: usize,
}

impl Rows {
    /// Returns the tensor's rows in place if they are evenly spaced, or those of a copy.
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

/// Returns the distance between the rows of a tensor, if they are contiguous and evenly spaced.
fn stride(shape: &[usize], strides: &[usize]) -> Option<usize> {
    let ((width, rows), (step, strides)) = (shape.split_last()?, strides.split_last()?);
    if *width > 1 && *step != 1 {
        return None;
    }
    // The stride of an axis of length one is never used.
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

/// Returns an image `[batch, channels, height, width]` as tokens `[batch, height·width, channels]`, without a copy if its
/// pixels are contiguous and evenly spaced.
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
        // As in CUDA's memory, where a few values behind each row are unused.
        assert_eq!(stride(&[2, 3, 5], &[24, 8, 1]), Some(8));
        assert_eq!(stride(&[2, 1, 5], &[24, 7, 1]), Some(24));
        assert_eq!(stride(&[1, 1, 5], &[24, 7, 1]), Some(5));
        assert_eq!(stride(&[2, 3, 1], &[12, 4, 9]), Some(4));
        for (shape, strides) in [([2, 3, 5], [15, 1, 3]), ([2, 3, 5], [32, 8, 1]), ([2, 3, 5], [0, 5, 1])] {
            assert_eq!(stride(&shape, &strides), None, "{shape:?} {strides:?}");
        }
    }
}
