use burn::backend::{Flex, TensorMetadata};
use burn_flex::FlexTensor;

use super::Operators;
use crate::flex::{tensor, values};
use crate::kernel::activation::{self, Activation};
use crate::kernel::attention::{Heads, View, backward, forward};
use crate::kernel::layer_norm::{self, Rows};
use crate::kernel::simd::Isa;

impl Operators for Flex {
    fn activate(x: FlexTensor, activation: Activation) -> FlexTensor {
        let mut shape = x.shape();
        if let Activation::Geglu { width } = activation {
            let last = shape.num_dims() - 1;
            shape[last] = width;
        }
        tensor(activation::forward(Isa::best(), activation, values(&x.to_contiguous())), shape)
    }

    fn normalise(x: FlexTensor, gamma: FlexTensor, beta: FlexTensor, rows: Rows) -> FlexTensor {
        normalise(x, gamma, beta, rows).0
    }

    fn attend(q: FlexTensor, k: FlexTensor, v: FlexTensor, heads: Heads) -> FlexTensor {
        attend(q, k, v, heads).0
    }
}

/// The kernels that autodiff calls.
#[cfg(feature = "autodiff")]
impl super::autodiff::Kernels for Flex {
    fn activate_backward(x: FlexTensor, gradient: FlexTensor, activation: Activation) -> FlexTensor {
        let shape = x.shape();
        let [x, gradient] = [x, gradient].map(|tensor| tensor.to_contiguous());
        tensor(activation::backward(Isa::best(), activation, values(&x), values(&gradient)), shape)
    }

    fn normalise_and_remember(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        rows: Rows,
    ) -> (FlexTensor, Vec<[f32; 2]>) {
        normalise(x, gamma, beta, rows)
    }

    fn normalise_backward(
        x: FlexTensor,
        gamma: FlexTensor,
        statistics: &[[f32; 2]],
        gradient: FlexTensor,
        rows: Rows,
    ) -> [FlexTensor; 3] {
        let shape = x.shape();
        let [x, gamma, gradient] = [x, gamma, gradient].map(|tensor| tensor.to_contiguous());
        let [x, gamma, beta] =
            layer_norm::backward(Isa::best(), &rows, values(&x), values(&gamma), statistics, values(&gradient));
        [tensor(x, shape), tensor(gamma, [rows.width]), tensor(beta, [rows.width])]
    }

    fn attend_and_remember(q: FlexTensor, k: FlexTensor, v: FlexTensor, heads: Heads) -> (FlexTensor, Vec<f32>) {
        attend(q, k, v, heads)
    }

    fn attend_backward(
        inputs: [FlexTensor; 3],
        out: FlexTensor,
        logs: &[f32],
        gradient: FlexTensor,
        heads: Heads,
    ) -> [FlexTensor; 3] {
        let [q, k, v] = inputs.map(readable);
        let (out, gradient) = (readable(out), readable(gradient));
        let [q, k, v, out, gradient] = [&q, &k, &v, &out, &gradient].map(view);
        let known = backward::Known { q, k, v, out, logs, gradient };
        let [q, k, v] = backward::backward(Isa::best(), &heads, known);
        [by_head(q, heads.queries, heads), by_head(k, heads.keys, heads), by_head(v, heads.keys, heads)]
    }
}

fn normalise(x: FlexTensor, gamma: FlexTensor, beta: FlexTensor, rows: Rows) -> (FlexTensor, Vec<[f32; 2]>) {
    let shape = x.shape();
    let [x, gamma, beta] = [x, gamma, beta].map(|tensor| tensor.to_contiguous());
    let (out, statistics) = layer_norm::forward(Isa::best(), &rows, values(&x), values(&gamma), values(&beta));
    (tensor(out, shape), statistics)
}

fn attend(q: FlexTensor, k: FlexTensor, v: FlexTensor, heads: Heads) -> (FlexTensor, Vec<f32>) {
    let [q, k, v] = [q, k, v].map(readable);
    let (out, logs) = forward::forward(Isa::best(), &heads, view(&q), view(&k), view(&v));
    (by_head(out, heads.queries, heads), logs)
}

/// Returns the tensor, or a copy if the values of a token are not contiguous.
fn readable(tensor: FlexTensor) -> FlexTensor {
    let strides = tensor.layout().strides();
    let fits = strides.iter().all(|&stride| stride >= 0) && strides[3] == 1;
    if fits { tensor } else { tensor.to_contiguous() }
}

fn view(tensor: &FlexTensor) -> View<'_> {
    let layout = tensor.layout();
    let sizes = std::array::from_fn(|i| layout.shape()[i]);
    let apart = std::array::from_fn(|i| layout.strides()[i] as usize);
    View::new(tensor.storage(), layout.start_offset(), apart, sizes)
}

/// Returns `[batch, tokens, heads, width]` as a view `[batch, heads, tokens, width]`. A token's heads stay contiguous in
/// memory, as the next layer reads them.
fn by_head(values: Vec<f32>, tokens: usize, heads: Heads) -> FlexTensor {
    tensor(values, [heads.batch, tokens, heads.heads, heads.width]).transpose(1, 2)
}
