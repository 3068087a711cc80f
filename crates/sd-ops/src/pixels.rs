use burn::tensor::Tensor;

#[cfg(feature = "gpu")]
use crate::gpu;

/// Returns the pixels of an image as tokens, for layers that work on vectors.
///
/// # Shapes
///
/// - `x`: `[batch, channels, height, width]`
/// - output: `[batch, height·width, channels]`; it may be a view of `x`
pub fn tokens(x: Tensor<4>) -> Tensor<3> {
    #[cfg(feature = "gpu")]
    if gpu::fits(&x) {
        return gpu::tokens(x);
    }
    let [batch, channels, height, width] = x.dims();
    x.reshape([batch, channels, height * width]).swap_dims(1, 2)
}

/// Returns tokens as an image: the inverse of [`tokens`].
///
/// # Shapes
///
/// - `tokens`: `[batch, height·width, channels]`
/// - output: `[batch, channels, height, width]`; on a GPU its memory is channels-last, as convolutions read it there
///
/// # Panics
///
/// Panics unless there are `height·width` tokens.
pub fn image(tokens: Tensor<3>, height: usize, width: usize) -> Tensor<4> {
    let [batch, count, channels] = tokens.dims();
    assert_eq!(count, height * width, "an image of {height}×{width} pixels needs as many tokens");
    #[cfg(feature = "gpu")]
    if gpu::fits(&tokens) {
        return gpu::image(tokens, height, width);
    }
    tokens.swap_dims(1, 2).reshape([batch, channels, height, width])
}

/// Concatenates the channels of two images, those of `x` first.
///
/// # Shapes
///
/// - `x` and `other`: `[batch, …, height, width]`
/// - output: `[batch, all channels, height, width]`
///
/// # Panics
///
/// Panics if the shapes differ in anything but the channels.
pub fn join(x: Tensor<4>, other: Tensor<4>) -> Tensor<4> {
    concatenate(vec![x, other], 1)
}

/// Concatenates images along their channels (axis 1), rows (2) or columns (3).
///
/// # Panics
///
/// Panics if there are none, or if the shapes differ along another axis.
pub fn concatenate(mut images: Vec<Tensor<4>>, axis: usize) -> Tensor<4> {
    if images.len() == 1 {
        return images.remove(0);
    }
    #[cfg(feature = "gpu")]
    if images.first().is_some_and(gpu::fits) {
        // Keeps the memory channels-last.
        let images = images.into_iter().map(|x| x.permute([0, 2, 3, 1])).collect();
        return Tensor::cat(images, [0, 3, 1, 2][axis]).permute([0, 3, 1, 2]);
    }
    Tensor::cat(images, axis)
}
