//! Kernels for graphics cards, in CubeCL, where Burn's own operations would go over memory many times.
//!
//! They compute in single precision, whatever the precision of what they read and write, and have no gradients.

mod attention;
mod geglu;
mod group_norm;
mod layer_norm;
mod rows;
mod softmax;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, backend_extension};
use burn::tensor::{DType, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use rows::Rows;

/// The operations that have kernels.
#[backend_extension(Cube)]
pub(crate) trait Operators: Backend {
    /// A picture `[batch, channels, height, width]` as tokens `[batch, height·width, channels]`.
    fn tokens(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The group norm of tokens `[batch, tokens, channels]`, and maybe its SiLU.
    fn group_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        groups: usize,
        eps: f32,
        silu: bool,
    ) -> FloatTensor<Self>;

    /// The layer norm of the last axis.
    fn layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self>;

    /// The GEGLU of the last axis.
    fn geglu(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The attention of `[batch, heads, tokens, width]`.
    fn attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        is_causal: bool,
    ) -> FloatTensor<Self>;
}

impl Operators for CubeBackend {
    fn tokens(x: CubeTensor) -> CubeTensor {
        rows::tokens(x)
    }

    fn group_norm(
        x: CubeTensor,
        gamma: CubeTensor,
        beta: CubeTensor,
        groups: usize,
        eps: f32,
        silu: bool,
    ) -> CubeTensor {
        group_norm::group_norm(x, gamma, beta, groups, eps, silu)
    }

    fn layer_norm(x: CubeTensor, gamma: CubeTensor, beta: CubeTensor, eps: f32) -> CubeTensor {
        layer_norm::layer_norm(x, gamma, beta, eps)
    }

    fn geglu(x: CubeTensor) -> CubeTensor {
        geglu::geglu(x)
    }

    fn attention(q: CubeTensor, k: CubeTensor, v: CubeTensor, is_causal: bool) -> CubeTensor {
        attention::attention(q, k, v, is_causal)
    }
}

/// As many cubes as there are rows, or a few more: a driver may take at most 65535 along an axis.
fn rows_of_cubes(rows: usize) -> CubeCount {
    let across = rows.clamp(1, 32_768);
    CubeCount::Static(across as u32, rows.div_ceil(across) as u32, 1)
}

/// The sum of what each unit of a cube has, of which there are a power of two.
#[cube]
fn sum(number: f32, shared: &mut Shared<[f32]>, #[comptime] units: usize) -> f32 {
    let unit = UNIT_POS_X as usize;
    // Some may still read the last sum.
    sync_cube();
    shared[unit] = number;
    sync_cube();
    let mut half = (units / 2).runtime();
    while half > 0 {
        if unit < half {
            let other = shared[unit + half];
            shared[unit] += other;
        }
        sync_cube();
        half /= 2;
    }
    shared[0]
}

/// The largest of what each unit of a cube has, of which there are a power of two.
#[cube]
fn most(number: f32, shared: &mut Shared<[f32]>, #[comptime] units: usize) -> f32 {
    let unit = UNIT_POS_X as usize;
    // Some may still read the last result.
    sync_cube();
    shared[unit] = number;
    sync_cube();
    let mut half = (units / 2).runtime();
    while half > 0 {
        if unit < half {
            shared[unit] = f32::max(shared[unit], shared[unit + half]);
        }
        sync_cube();
        half /= 2;
    }
    shared[0]
}

/// Whether the kernels can take this tensor.
pub(crate) fn fits<const D: usize>(x: &Tensor<D>) -> bool {
    let is_float = matches!(x.dtype(), DType::F32 | DType::F16 | DType::BF16);
    is_float && matches!(x.device().as_dispatch(), DispatchDevice::Cube(_))
}

/// Whether the kernels can take this tensor with these parameters, which they read in its precision.
pub(crate) fn fit<const D: usize>(x: &Tensor<D>, parameters: [&Tensor<1>; 2]) -> bool {
    fits(x) && parameters.iter().all(|parameter| parameter.dtype() == x.dtype())
}

/// As [`crate::tokens`].
pub(crate) fn tokens(x: Tensor<4>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Operators>::tokens(x.into_dispatch()))
}

/// As [`crate::group_norm`], whose checks were made.
pub(crate) fn group_norm(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    groups: usize,
    eps: f64,
    silu: bool,
) -> Tensor<4> {
    let [.., height, width] = x.dims();
    let [x, gamma, beta] = [tokens(x).into_dispatch(), gamma.into_dispatch(), beta.into_dispatch()];
    let out = <Dispatch as Operators>::group_norm(x, gamma, beta, groups, eps as f32, silu);
    crate::picture(Tensor::from_dispatch(out), height, width)
}

/// As [`crate::layer_norm`], whose checks were made.
pub(crate) fn layer_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<D> {
    let [x, gamma, beta] = [x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as Operators>::layer_norm(x, gamma, beta, eps as f32))
}

/// As [`crate::geglu`], whose checks were made.
pub(crate) fn geglu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Operators>::geglu(x.into_dispatch()))
}

/// As [`crate::attention()`] or [`crate::causal_attention`], whose checks were made.
pub(crate) fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, is_causal: bool) -> Tensor<4> {
    let [q, k, v] = [q, k, v].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as Operators>::attention(q, k, v, is_causal))
}
