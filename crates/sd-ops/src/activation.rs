use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

#[cfg(feature = "flex")]
use crate::flex::{fits, tokens};
#[cfg(feature = "gpu")]
use crate::gpu;
#[cfg(feature = "flex")]
use crate::kernel::activation::Activation;

/// Returns the GELU: `x·Φ(x)` with the exact normal distribution function (Hendrycks and Gimpel 2016,
/// [arXiv:1606.08415](https://arxiv.org/abs/1606.08415)).
///
/// The kernel's error is below `3e-7·max(1, |x|)`.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if fits(&x) {
        return tokens::activate(x, Activation::Gelu);
    }
    burn::tensor::activation::gelu(x)
}

/// Returns `x·sigmoid(1.702·x)`, an approximation of the [`gelu`].
pub fn quick_gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if fits(&x) {
        return tokens::activate(x, Activation::QuickGelu);
    }
    x.clone() * sigmoid(x * 1.702)
}

/// Returns the first half of the last axis times the [`gelu`] of the second half (Shazeer 2020,
/// [arXiv:2002.05202](https://arxiv.org/abs/2002.05202)).
///
/// # Shapes
///
/// - `x`: `[…, 2·width]`
/// - output: `[…, width]`
///
/// # Panics
///
/// Panics if the length of the last axis is zero or odd.
pub fn geglu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let width = x.dims()[D - 1];
    assert!(width > 0 && width.is_multiple_of(2), "GEGLU needs a last axis of even length above zero, not {width}");
    #[cfg(feature = "flex")]
    if fits(&x) {
        return tokens::activate(x, Activation::Geglu { width: width / 2 });
    }
    #[cfg(feature = "gpu")]
    if gpu::fits(&x) {
        return gpu::geglu(x);
    }
    let [x, gate] = x.chunk(2, D - 1).try_into().expect("two halves");
    x * burn::tensor::activation::gelu(gate)
}
