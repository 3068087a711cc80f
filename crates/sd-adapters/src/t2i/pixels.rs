use burn::prelude::*;

/// Returns an image whose pixels are the squares of `side` pixels of `x`: PyTorch's `PixelUnshuffle`.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`, both sides multiples of `side`
/// - output: `[batch, channels·side², height/side, width/side]`; of the channels, those of a square's row are neighbours
pub(super) fn unshuffle(x: Tensor<4>, side: usize) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let (rows, columns) = (height / side, width / side);
    let x: Tensor<6> = x.reshape([batch, channels, rows, side, columns, side]);
    x.permute([0, 1, 3, 5, 2, 4]).reshape([batch, channels * side * side, rows, columns])
}

/// Returns the means of squares of 2 pixels. At an odd edge a square has only the pixels that there are.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`
/// - output: `[batch, channels, height/2, width/2]`, rounded up
pub(super) fn halve(x: Tensor<4>) -> Tensor<4> {
    // The mean of a pixel with its copy is the pixel.
    let x = [2, 3].into_iter().fold(x, |x, axis| match x.dims()[axis] {
        length if length.is_multiple_of(2) => x,
        length => Tensor::cat(vec![x.clone(), x.slice_dim(axis, length - 1..length)], axis),
    });
    let [batch, channels, height, width] = x.dims();
    let x: Tensor<6> = x.reshape([batch, channels, height / 2, 2, width / 2, 2]);
    x.mean_dim(5).mean_dim(3).reshape([batch, channels, height / 2, width / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(shape: [usize; 4]) -> Tensor<4> {
        let count = shape.iter().product::<usize>() as i64;
        Tensor::<1, Int>::arange(0..count, &Device::flex()).float().reshape(shape)
    }

    fn values(x: Tensor<4>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn a_squares_pixels_become_channels_row_by_row() {
        let x = unshuffle(counted([1, 2, 2, 4]), 2);
        assert_eq!(x.dims(), [1, 8, 1, 2]);
        assert_eq!(values(x), [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15].map(|n| n as f32));
    }

    #[test]
    fn halving_is_the_mean_of_the_pixels_that_there_are() {
        let x = halve(counted([1, 1, 3, 3]));
        assert_eq!(x.dims(), [1, 1, 2, 2]);
        assert_eq!(values(x), [2.0, 3.5, 6.5, 8.0]);
    }
}
