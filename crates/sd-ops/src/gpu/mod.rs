//! Kernels for GPUs, in CubeCL, for operators in which Burn's own operations would go over memory many times.
//!
//! Norms, softmax and GEGLU compute in single precision, whatever the precision of their input and output. Matrix products
//! sum in single precision. None has gradients.

mod attention;
mod conv;
mod cubes;
mod geglu;
mod group_norm;
mod layer_norm;
mod product;
mod rows;
mod scratch;
mod softmax;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, backend_extension};
use burn::tensor::{DType, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use product::{has_matrix_units, product};

use crate::padding::Padding;

/// The operations that have kernels on GPUs.
#[backend_extension(Cube)]
pub(crate) trait Operators: Backend {
    /// Returns an image `[batch, channels, height, width]` as tokens `[batch, height·width, channels]`.
    fn tokens(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Returns the group norm of tokens `[batch, tokens, channels]`, or its SiLU if `silu`.
    fn group_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        groups: usize,
        eps: f32,
        silu: bool,
    ) -> FloatTensor<Self>;

    /// Returns the layer norm of the last axis.
    fn layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        eps: f32,
    ) -> FloatTensor<Self>;

    /// Returns the GEGLU of the last axis.
    fn geglu(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Returns the product of `[batch, rows, inputs]` and `[1, inputs, outputs]`.
    fn product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Returns the convolution of an image, as tokens `[batch, height·width, channels]`.
    fn conv2d(x: FloatTensor<Self>, weight: FloatTensor<Self>, stride: usize, padding: Padding) -> FloatTensor<Self>;

    /// Returns the attention of queries, keys and values `[batch, heads, tokens, width]`.
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

    fn product(a: CubeTensor, b: CubeTensor) -> CubeTensor {
        let dtype = a.dtype;
        product(a, b, dtype)
    }

    fn conv2d(x: CubeTensor, weight: CubeTensor, stride: usize, padding: Padding) -> CubeTensor {
        conv::conv2d(x, weight, stride, padding)
    }

    fn attention(q: CubeTensor, k: CubeTensor, v: CubeTensor, is_causal: bool) -> CubeTensor {
        attention::attention(q, k, v, is_causal)
    }
}

/// Returns whether the kernels take this tensor.
pub(crate) fn fits<const D: usize>(x: &Tensor<D>) -> bool {
    let is_float = matches!(x.dtype(), DType::F32 | DType::F16 | DType::BF16);
    is_float && matches!(x.device().as_dispatch(), DispatchDevice::Cube(_))
}

/// Returns the output for an empty tensor, which no kernel takes, or none if `x` is not empty.
fn empty_output<const D: usize, const E: usize>(x: &Tensor<D>, shape: [usize; E]) -> Option<Tensor<E>> {
    (x.shape().num_elements() == 0).then(|| Tensor::zeros(shape, (&x.device(), x.dtype())))
}

/// Returns whether the kernels take this tensor and these parameters, which must have its precision.
pub(crate) fn fit<const D: usize>(x: &Tensor<D>, parameters: [&Tensor<1>; 2]) -> bool {
    fits(x) && parameters.iter().all(|parameter| parameter.dtype() == x.dtype())
}

/// Returns whether this crate's kernel is better for a convolution than Burn's.
///
/// Burn sums each output separately if there are no matrix units for this precision, and also if there are few outputs. It
/// sums in half precision if that is the image's.
pub(crate) fn convolves(x: &Tensor<4>, weight: &Tensor<4>) -> bool {
    let DispatchDevice::Cube(device) = x.device().as_dispatch().clone() else { return false };
    let has_units = || has_matrix_units(&device.client(), x.dtype());
    fits(x) && weight.dtype() == x.dtype() && (weight.dims()[0] < 16 || !has_units())
}

/// As `crate::conv2d`, which has checked the shapes, for convolutions that [`convolves`] accepts.
pub(crate) fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    padding: Padding,
) -> Tensor<4> {
    let ([.., height, width], [.., rows, columns]) = (x.dims(), weight.dims());
    let [high, wide] = padding.out([height, width], [rows, columns], stride);
    if let Some(none) = empty_output(&x, [x.dims()[0], weight.dims()[0], high, wide]) {
        return none;
    }
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    let out = <Dispatch as Operators>::conv2d(x, weight, stride, padding);
    image(add_bias(Tensor::from_dispatch(out), bias), high, wide)
}

/// As `crate::linear`, which has checked the shapes. The weight is not packed and has the precision of `x`.
pub(crate) fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    let (mut shape, [inputs, outputs]) = (x.dims(), weight.dims());
    shape[D - 1] = outputs;
    if let Some(none) = empty_output(&x, shape) {
        return none;
    }
    let batch = shape[..D.saturating_sub(2)].iter().product();
    let tokens = if D > 1 { shape[D - 2] } else { 1 };
    let x = x.reshape([batch, tokens, inputs]).into_dispatch();
    let out = <Dispatch as Operators>::product(x, weight.unsqueeze::<3>().into_dispatch());
    add_bias(Tensor::from_dispatch(out), bias).reshape(shape)
}

fn add_bias(out: Tensor<3>, bias: Option<Tensor<1>>) -> Tensor<3> {
    match bias {
        Some(bias) => out + bias.unsqueeze(),
        None => out,
    }
}

/// As `crate::image`, which has checked the shapes.
pub(crate) fn image(tokens: Tensor<3>, height: usize, width: usize) -> Tensor<4> {
    let [batch, _, channels] = tokens.dims();
    tokens.reshape([batch, height, width, channels]).permute([0, 3, 1, 2])
}

/// As `crate::tokens`.
pub(crate) fn tokens(x: Tensor<4>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Operators>::tokens(x.into_dispatch()))
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
    if let Some(none) = empty_output(&x, x.dims()) {
        return none;
    }
    let [.., height, width] = x.dims();
    let [x, gamma, beta] = [tokens(x).into_dispatch(), gamma.into_dispatch(), beta.into_dispatch()];
    let out = <Dispatch as Operators>::group_norm(x, gamma, beta, groups, eps as f32, silu);
    image(Tensor::from_dispatch(out), height, width)
}

/// As `crate::layer_norm`, which has checked the shapes.
pub(crate) fn layer_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, beta: Tensor<1>, eps: f64) -> Tensor<D> {
    if let Some(none) = empty_output(&x, x.dims()) {
        return none;
    }
    let [x, gamma, beta] = [x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as Operators>::layer_norm(x, gamma, beta, eps as f32))
}

/// As `crate::geglu`, which has checked the shapes.
pub(crate) fn geglu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let mut shape = x.dims();
    shape[D - 1] /= 2;
    empty_output(&x, shape).unwrap_or_else(|| Tensor::from_dispatch(<Dispatch as Operators>::geglu(x.into_dispatch())))
}

/// As `crate::attention` or `crate::causal_attention`, which have checked the shapes.
pub(crate) fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, is_causal: bool) -> Tensor<4> {
    if let Some(none) = empty_output(&q, q.dims()) {
        return none;
    }
    let [q, k, v] = [q, k, v].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as Operators>::attention(q, k, v, is_causal))
}
