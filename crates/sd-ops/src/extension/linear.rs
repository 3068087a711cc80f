//! Linear layers, without gradients: in training they are Burn's.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

use super::{numbers, tensor, weights};
use crate::kernel::gemm::Matrix;
use crate::kernel::linear::{self, Weight};
use crate::kernel::vector::Level;

/// The linear layer's product.
#[backend_extension(Flex)]
pub(crate) trait Operators: Backend {
    /// `x·weight + bias`; `x` is `[batch, rows, inputs]`, the weight `[inputs, outputs]`.
    ///
    /// `gated`: and then the GEGLU of the outputs.
    fn project(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gated: bool,
    ) -> FloatTensor<Self>;
}

impl Operators for Flex {
    fn project(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, gated: bool) -> FlexTensor {
        let [x, weight] = [x, weight].map(forwards);
        let bias = bias.to_contiguous();
        let [batch, rows, inputs] = [0, 1, 2].map(|axis| x.shape()[axis]);
        let outputs = weight.shape()[1];
        let apart = [0, 1, 2].map(|axis| x.layout().strides()[axis] as usize);
        let all = &x.storage::<f32>()[x.layout().start_offset()..];
        // All rows are of one matrix if the batch's are as far apart as a batch's own.
        let vectors: Vec<Matrix> = if batch <= 1 || apart[0] == rows * apart[1] {
            vec![Matrix::new(all, [batch * rows, inputs], [apart[1], apart[2]])]
        } else {
            (0..batch).map(|n| Matrix::new(&all[n * apart[0]..], [rows, inputs], [apart[1], apart[2]])).collect()
        };
        let apart = [0, 1].map(|axis| weight.layout().strides()[axis] as usize);
        let weight = Weight { numbers: weights(&weight), sizes: [inputs, outputs], apart };
        let out = linear::linear(Level::best(), &vectors, &weight, numbers(&bias), gated);
        tensor(out, [batch, rows, if gated { outputs / 2 } else { outputs }])
    }
}

/// The tensor, or a copy where an axis goes backwards.
fn forwards(tensor: FlexTensor) -> FlexTensor {
    if tensor.layout().has_positive_strides() { tensor } else { tensor.to_contiguous() }
}

/// As [`crate::linear`] and [`crate::linear_geglu`], whose checks were made.
pub(crate) fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    gated: bool,
) -> Tensor<D> {
    let mut shape = x.dims();
    let ([inputs, outputs], rows) = (weight.dims(), if D > 1 { shape[D - 2] } else { 1 });
    let batch = shape[..D.saturating_sub(2)].iter().product::<usize>();
    let x = x.reshape([batch, rows, inputs]);
    let bias = bias.unwrap_or_else(|| Tensor::zeros([outputs], &x.device()));
    let [x, weight, bias] = [x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
    shape[D - 1] = if gated { outputs / 2 } else { outputs };
    Tensor::<3>::from_dispatch(<Dispatch as Operators>::project(x, weight, bias, gated)).reshape(shape)
}
