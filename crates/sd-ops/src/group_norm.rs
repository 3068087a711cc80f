use burn::tensor::activation::silu;
use burn::tensor::{DType, FloatDType, Tensor};

#[cfg(feature = "flex")]
use crate::flex::fits;
#[cfg(feature = "gpu")]
use crate::gpu;

/// Returns the group norm (Wu and He 2018, [arXiv:1803.08494](https://arxiv.org/abs/1803.08494)).
///
/// # Shapes
///
/// - `x` and the output: `[batch, channels, height, width]`
/// - `gamma` and `beta`, the scale and the shift: `[channels]`
///
/// # Panics
///
/// Panics if `groups` is zero or does not divide the channels, or if `gamma` or `beta` is not as long as the channels.
pub fn group_norm(x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, groups: usize, eps: f64) -> Tensor<4> {
    with(x, gamma, beta, groups, eps, false)
}

/// Returns the SiLU, `u / (1 + e^-u)`, of the [`group_norm`].
///
/// # Shapes and panics
///
/// As those of [`group_norm`].
pub fn group_norm_silu(x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, groups: usize, eps: f64) -> Tensor<4> {
    with(x, gamma, beta, groups, eps, true)
}

fn with(x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, groups: usize, eps: f64, with_silu: bool) -> Tensor<4> {
    let [_, channels, ..] = x.dims();
    assert!(
        groups > 0 && channels.is_multiple_of(groups),
        "{channels} channels cannot be split into {groups} equal groups"
    );
    assert_eq!([gamma.dims(), beta.dims()], [[channels]; 2], "gamma and beta need one value for each channel");
    #[cfg(feature = "flex")]
    if fits(&x) && fits(&gamma) && fits(&beta) {
        return crate::flex::images::group_norm(x, gamma, beta, groups, eps, with_silu);
    }
    #[cfg(feature = "gpu")]
    if gpu::fit(&x, [&gamma, &beta]) {
        return gpu::group_norm(x, gamma, beta, groups, eps, with_silu);
    }
    let normalised = portable(x, gamma, beta, groups, eps);
    if with_silu { silu(normalised) } else { normalised }
}

/// [`group_norm`] in Burn's own operations.
pub(crate) fn portable(x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, groups: usize, eps: f64) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    // In half precision squares of values above 256 overflow f16, and means over thousands of values are too coarse.
    let dtype = x.dtype();
    let half = matches!(dtype, DType::F16 | DType::BF16);
    let x = if half { x.cast(FloatDType::F32) } else { x };
    let x = x.reshape([batch, groups, channels / groups * height * width]);
    let centred = x.clone() - x.mean_dim(2);
    let variance = centred.clone().square().mean_dim(2);
    let x = (centred / (variance + eps).sqrt()).reshape([batch, channels, height, width]);
    let x = if half { x.cast(dtype) } else { x };
    x * gamma.reshape([1, channels, 1, 1]) + beta.reshape([1, channels, 1, 1])
}
