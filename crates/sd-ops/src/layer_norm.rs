use burn::tensor::{DType, FloatDType, Tensor};

#[cfg(feature = "flex")]
use crate::flex::{fits, tokens};
#[cfg(feature = "gpu")]
use crate::gpu;

/// A layer norm (Ba et al. 2016, [arXiv:1607.06450](https://arxiv.org/abs/1607.06450)).
///
/// # Shapes
///
/// - `x` and the output: `[…, width]`
/// - `gamma` and `beta`, the factor and the shift: `[width]`
///
/// # Panics
///
/// Panics if there are not as many factors and shifts as the last axis is wide.
pub fn layer_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<D> {
    let width = x.dims()[D - 1];
    assert_eq!([gamma.dims(), beta.dims()], [[width]; 2], "a factor and a shift for each of a token's values");
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

/// The same in Burn's own operations.
fn portable<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<D> {
    // In half precision the squares of values beyond 256 are too large, or means of hundreds too coarse.
    let dtype = x.dtype();
    let half = matches!(dtype, DType::F16 | DType::BF16);
    let [gamma, beta] = [gamma, beta].map(|p| if half { p.cast(FloatDType::F32) } else { p });
    let x = if half { x.cast(FloatDType::F32) } else { x };
    let x = burn::tensor::module::layer_norm(x, gamma, Some(beta), eps);
    if half { x.cast(dtype) } else { x }
}
