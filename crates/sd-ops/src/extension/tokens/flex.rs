use burn::backend::{Flex, TensorMetadata};
use burn_flex::FlexTensor;

use super::Operators;
use crate::extension::{numbers, tensor};
use crate::kernel::activation::{self, Activation};
use crate::kernel::layer_norm::{self, Rows};
use crate::kernel::vector::Level;

impl Operators for Flex {
    fn activate(x: FlexTensor, activation: Activation) -> FlexTensor {
        let mut shape = x.shape();
        if let Activation::Geglu { width } = activation {
            let last = shape.num_dims() - 1;
            shape[last] = width;
        }
        tensor(activation::forward(Level::best(), activation, numbers(&x.to_contiguous())), shape)
    }

    fn normalise(x: FlexTensor, gamma: FlexTensor, beta: FlexTensor, rows: Rows) -> FlexTensor {
        normalise(x, gamma, beta, rows).0
    }
}

/// What the gradients are made of: a backend's kernels, which autodiff calls.
#[cfg(feature = "autodiff")]
impl super::autodiff::Kernels for Flex {
    fn activate_backward(x: FlexTensor, gradient: FlexTensor, activation: Activation) -> FlexTensor {
        let shape = x.shape();
        let [x, gradient] = [x, gradient].map(|tensor| tensor.to_contiguous());
        tensor(activation::backward(Level::best(), activation, numbers(&x), numbers(&gradient)), shape)
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
            layer_norm::backward(Level::best(), &rows, numbers(&x), numbers(&gamma), statistics, numbers(&gradient));
        [tensor(x, shape), tensor(gamma, [rows.width]), tensor(beta, [rows.width])]
    }
}

fn normalise(x: FlexTensor, gamma: FlexTensor, beta: FlexTensor, rows: Rows) -> (FlexTensor, Vec<[f32; 2]>) {
    let shape = x.shape();
    let [x, gamma, beta] = [x, gamma, beta].map(|tensor| tensor.to_contiguous());
    let (out, statistics) = layer_norm::forward(Level::best(), &rows, numbers(&x), numbers(&gamma), numbers(&beta));
    (tensor(out, shape), statistics)
}
