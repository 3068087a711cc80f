use burn::tensor::{DType, FloatDType, Tensor};

#[cfg(feature = "flex")]
use crate::flex::{fits, tokens};
#[cfg(feature = "gpu")]
use crate::gpu;

/// Returns the layer norm of the last axis (Ba et al. 2016, [arXiv:1607.06450](https://arxiv.org/abs/1607.06450)).
///
/// # Shapes
///
/// - `x` and the output: `[…, width]`
/// - `gamma` and `beta`, the scale and the shift: `[width]`
///
/// # Panics
///
/// Panics if `gamma` or `beta` is not as long as the last axis.
pub fn layer_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<D> {
    let width = x.dims()[D - 1];
    assert_eq!([gamma.dims(), beta.dims()], [[width]; 2], "gamma and beta need one value for each of the last axis");
    #[cfg(feature = "flex")]
    if fits(&x) && fits(&gamma) && fits(&beta) {
        return tokens::layer_norm(x, gamma, beta, eps);
    }
    #[cfg(feature = "gpu")]
    if gpu::fit(&x, [&gamma, &beta]) {
        return gpu::layer_norm(x, gamma, beta, eps);
    }
    portable(x, gamma, beta, eps)
}

/// [`layer_norm`] in Burn's own operations.
fn portable<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<D> {
    // In half precision squares of values above 256 overflow f16, and means over hundreds of values are too coarse.
    let dtype = x.dtype();
    let half = matches!(dtype, DType::F16 | DType::BF16);
    let [gamma, beta] = [gamma, beta].map(|p| if half { p.cast(FloatDType::F32) } else { p });
    let x = if half { x.cast(FloatDType::F32) } else { x };
    let x = burn::tensor::module::layer_norm(x, gamma, Some(beta), eps);
    if half { x.cast(dtype) } else { x }
}
