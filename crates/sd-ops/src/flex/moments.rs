//! The two halves of a group norm, without gradients.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

use super::{tensor, values};
use crate::kernel::group_norm::Groups;
use crate::kernel::moments;
use crate::kernel::simd::Isa;

/// The operations on parts of an image.
#[backend_extension(Flex)]
pub(crate) trait Operators: Backend {
    /// Returns the mean of each group of each image and the sum of squared distances from it, `[batch·groups, 2]`.
    fn moments(x: FloatTensor<Self>, groups: Groups) -> FloatTensor<Self>;

    /// Returns the SiLU of `(x - mean)·factor + shift`, with one of each for each channel of each image.
    fn normalise(
        x: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        groups: Groups,
    ) -> FloatTensor<Self>;
}

impl Operators for Flex {
    fn moments(x: FlexTensor, groups: Groups) -> FlexTensor {
        let x = x.to_contiguous();
        tensor(moments::moments(Isa::best(), &groups, values(&x)), [groups.batch * groups.groups, 2])
    }

    fn normalise(x: FlexTensor, mean: FlexTensor, factor: FlexTensor, shift: FlexTensor, groups: Groups) -> FlexTensor {
        let shape = x.shape();
        let [x, mean, factor, shift] = [x, mean, factor, shift].map(|tensor| tensor.to_contiguous());
        let channels = [values(&mean), values(&factor), values(&shift)];
        tensor(moments::normalise(Isa::best(), &groups, values(&x), channels), shape)
    }
}

/// Returns means and sums of squared distances, each `[batch, groups]`. `groups` divides the channels.
pub(crate) fn moments(x: Tensor<4>, groups: usize) -> [Tensor<2>; 2] {
    let sizes = sizes(&x, groups);
    let found: Tensor<2> = Tensor::from_dispatch(<Dispatch as Operators>::moments(x.into_dispatch(), sizes));
    [0, 1].map(|i| found.clone().slice_dim(1, i..i + 1).reshape([sizes.batch, groups]))
}

/// Returns the SiLU of `(x - mean)·factor + shift`; the last three are `[batch, channels]`.
pub(crate) fn normalise_silu(x: Tensor<4>, mean: Tensor<2>, factor: Tensor<2>, shift: Tensor<2>) -> Tensor<4> {
    let sizes = sizes(&x, x.dims()[1]);
    let [mean, factor, shift] = [mean, factor, shift].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as Operators>::normalise(x.into_dispatch(), mean, factor, shift, sizes))
}

fn sizes(x: &Tensor<4>, groups: usize) -> Groups {
    let [batch, channels, height, width] = x.dims();
    Groups { batch, groups, channels: channels / groups, pixels: height * width, eps: 0.0, silu: true }
}
