use burn::tensor::Tensor;

/// The dot product of each image, `[images, 1, 1, 1]`.
pub(crate) fn dot(a: &Tensor<4>, b: &Tensor<4>) -> Tensor<4> {
    (a.clone() * b.clone()).sum_dims(&[1, 2, 3])
}

/// Keeps quotients of what vanishes finite.
pub(crate) const TINY: f64 = 1e-30;
