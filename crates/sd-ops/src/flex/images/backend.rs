use burn::backend::{Flex, TensorMetadata};
use burn_flex::FlexTensor;

use super::Operators;
use crate::flex::{tensor, values, weights};
use crate::kernel::conv::weights::Weights;
use crate::kernel::conv::window::Window;
use crate::kernel::conv::{forward, gradients};
use crate::kernel::group_norm::{self, Groups};
use crate::kernel::simd::Isa;
use crate::kernel::weight_slice::WeightSlice;

impl Operators for Flex {
    fn convolve(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, window: Window) -> FlexTensor {
        convolve(x, weights(&weight.to_contiguous()), bias, window)
    }

    fn normalise(x: FlexTensor, gamma: FlexTensor, beta: FlexTensor, groups: Groups) -> FlexTensor {
        normalise(x, gamma, beta, groups).0
    }
}

/// The kernels that autodiff calls.
#[cfg(feature = "autodiff")]
impl super::autodiff::Kernels for Flex {
    fn input_gradient(gradient: FlexTensor, weight: FlexTensor, window: Window) -> FlexTensor {
        let [gradient, weight] = [gradient, weight].map(|tensor| tensor.to_contiguous());
        let out = gradients::input_gradient(Isa::best(), &window, values(&gradient), values(&weight));
        tensor(out, [window.batch, window.inputs, window.size[0], window.size[1]])
    }

    fn weight_gradient(x: FlexTensor, gradient: FlexTensor, window: Window) -> FlexTensor {
        let [x, gradient] = [x, gradient].map(|tensor| tensor.to_contiguous());
        let out = gradients::weight_gradient(Isa::best(), &window, values(&x), values(&gradient));
        tensor(out, [window.outputs, window.inputs, window.kernel[0], window.kernel[1]])
    }

    fn bias_gradient(gradient: FlexTensor, window: Window) -> FlexTensor {
        let gradient = gradient.to_contiguous();
        tensor(gradients::bias_gradient(Isa::best(), &window, values(&gradient)), [window.outputs])
    }

    fn normalise_and_remember(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        groups: Groups,
    ) -> (FlexTensor, Vec<[f32; 2]>) {
        normalise(x, gamma, beta, groups)
    }

    fn normalise_backward(
        x: FlexTensor,
        [gamma, beta]: [FlexTensor; 2],
        statistics: &[[f32; 2]],
        gradient: FlexTensor,
        groups: Groups,
    ) -> [FlexTensor; 3] {
        let shape = x.shape();
        let [x, gamma, beta, gradient] = [x, gamma, beta, gradient].map(|tensor| tensor.to_contiguous());
        let parameters = [values(&gamma), values(&beta)];
        let [x, gamma, beta] =
            group_norm::backward(Isa::best(), &groups, values(&x), parameters, statistics, values(&gradient));
        let channels = [groups.groups * groups.channels];
        [tensor(x, shape), tensor(gamma, channels), tensor(beta, channels)]
    }
}

/// As [`Operators::convolve`], with a weight whose values lie in order.
pub(in crate::flex) fn convolve(x: FlexTensor, weight: WeightSlice, bias: FlexTensor, window: Window) -> FlexTensor {
    let [x, bias] = [x, bias].map(|tensor| tensor.to_contiguous());
    let [inputs, rows, columns] = [window.inputs, window.kernel[0], window.kernel[1]].map(|n| n as isize);
    let outputs = inputs * rows * columns;
    let weights = Weights { values: weight, start: 0, outputs, inputs: rows * columns, rows: columns, columns: 1 };
    let out = forward::convolve(Isa::best(), &window, values(&x), weights, Some(values(&bias)));
    tensor(out, [window.batch, window.outputs, window.out[0], window.out[1]])
}

fn normalise(x: FlexTensor, gamma: FlexTensor, beta: FlexTensor, groups: Groups) -> (FlexTensor, Vec<[f32; 2]>) {
    let shape = x.shape();
    let [x, gamma, beta] = [x, gamma, beta].map(|tensor| tensor.to_contiguous());
    let (out, statistics) = group_norm::forward(Isa::best(), &groups, values(&x), values(&gamma), values(&beta));
    (tensor(out, shape), statistics)
}
