//! The operators of transformers.

#[cfg(feature = "autodiff")]
mod autodiff;
mod backend;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use crate::kernel::activation::Activation;
use crate::kernel::attention::Heads;
use crate::kernel::layer_norm::Rows;

/// The operations on tokens that have kernels.
#[backend_extension(Flex, Autodiff: cfg(feature = "autodiff"))]
pub(crate) trait Operators: Backend {
    /// Returns a function of `x`, whose rows are along the last axis.
    fn activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// Returns the layer norm of `x`.
    fn normalise(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        rows: Rows,
    ) -> FloatTensor<Self>;

    /// Returns the attention of the queries `q` to the keys `k` with the values `v`.
    fn attend(q: FloatTensor<Self>, k: FloatTensor<Self>, v: FloatTensor<Self>, heads: Heads) -> FloatTensor<Self>;
}

/// As `crate::gelu`, `crate::quick_gelu` and `crate::geglu`, which have checked the shapes.
pub(crate) fn activate<const D: usize>(x: Tensor<D>, activation: Activation) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Operators>::activate(x.into_dispatch(), activation))
}

/// As `crate::layer_norm`, which has checked the shapes.
pub(crate) fn layer_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<D> {
    let [width] = gamma.dims();
    let rows = Rows { rows: x.shape().num_elements() / width.max(1), width, eps: eps as f32 };
    let [x, gamma, beta] = [x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as Operators>::normalise(x, gamma, beta, rows))
}

/// As `crate::attention` and `crate::causal_attention`, which have checked the shapes.
pub(crate) fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, causal: bool, half: bool) -> Tensor<4> {
    let ([batch, heads, queries, width], [.., keys, _]) = (q.dims(), k.dims());
    let heads = Heads { batch, heads, queries, keys, width, causal, half };
    let [q, k, v] = [q.into_dispatch(), k.into_dispatch(), v.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as Operators>::attend(q, k, v, heads))
}
