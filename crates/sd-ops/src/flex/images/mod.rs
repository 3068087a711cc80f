//! Convolution and group norm.

#[cfg(feature = "autodiff")]
mod autodiff;
mod backend;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

pub(super) use self::backend::convolve;
use crate::kernel::conv::window::Window;
use crate::kernel::group_norm::Groups;
use crate::padding::Padding;

/// The operations on images that have kernels.
#[backend_extension(Flex, Autodiff: cfg(feature = "autodiff"))]
pub(crate) trait Operators: Backend {
    /// Returns the convolution of `x` with `weight`, plus `bias`.
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;

    /// Returns the group norm of `x`, or its SiLU if `groups` says so.
    fn normalise(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        groups: Groups,
    ) -> FloatTensor<Self>;
}

/// As `crate::conv2d`, which has checked the shapes.
pub(crate) fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    padding: Padding,
) -> Tensor<4> {
    let [outputs, _, rows, columns] = weight.dims();
    let window = window(&x, outputs, [rows, columns], stride, padding);
    let bias = bias.unwrap_or_else(|| Tensor::zeros([outputs], &x.device()));
    let [x, weight, bias] = [x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as Operators>::convolve(x, weight, bias, window))
}

/// Describes a convolution of `x`.
pub(super) fn window(x: &Tensor<4>, outputs: usize, kernel: [usize; 2], stride: usize, padding: Padding) -> Window {
    let [batch, inputs, height, width] = x.dims();
    Window {
        batch,
        inputs,
        outputs,
        size: [height, width],
        out: padding.out([height, width], kernel, stride),
        kernel,
        stride,
        before: [padding.top as isize, padding.left as isize],
        joint: false,
    }
}

/// As `crate::group_norm`, which has checked the shapes.
pub(crate) fn group_norm(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    groups: usize,
    eps: f64,
    silu: bool,
) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let groups = Groups { batch, groups, channels: channels / groups, pixels: height * width, eps: eps as f32, silu };
    let [x, gamma, beta] = [x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as Operators>::normalise(x, gamma, beta, groups))
}
