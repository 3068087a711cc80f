//! Linear layers without gradients. Training uses Burn's.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchTensor, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Bytes, DType, Tensor};
use burn_flex::{FlexTensor, Layout};
use half::bf16;
use sd_quant::Panels as BytePanels;

use super::{tensor, values, weights};
use crate::kernel::activation::{self, Activation};
use crate::kernel::aligned::aligned_from;
use crate::kernel::gemm::{Matrix, Panels};
use crate::kernel::int8;
use crate::kernel::linear::{self, Places, Weight};
use crate::kernel::simd::{DotIsa, Isa};
use crate::kernel::weight_slice::WeightSlice;

/// The operations of linear layers.
#[backend_extension(Flex)]
pub(crate) trait Operators: Backend {
    /// Returns `x·weight + bias`, or its GEGLU if `gated`. `x` is `[batch, rows, inputs]`, the weight `[inputs, outputs]` or
    /// packed.
    fn project(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gated: bool,
    ) -> FloatTensor<Self>;

    /// Returns a weight `[inputs, outputs]` packed, as one row of all its values, or unchanged if it cannot be packed.
    fn pack(weight: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Operators for Flex {
    fn project(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, gated: bool) -> FlexTensor {
        let (weight, inputs) = (forwards(weight), x.shape()[2]);
        let places = if weight.shape()[0] == inputs { strides(&weight) } else { Places::Panels };
        multiply(x, weights(&weight), places, bias, gated)
    }

    fn pack(weight: FlexTensor) -> FlexTensor {
        let (isa, [inputs, outputs]) = (Isa::best(), [0, 1].map(|axis| weight.shape()[axis]));
        let layout = weight.layout();
        let lies_by_outputs = layout.strides() == [1, inputs as isize] && layout.start_offset() == 0;
        if !lies_by_outputs || !Panels::fit(isa, outputs) {
            return weight;
        }
        let (values, inputs_of_value) = match weight.dtype() {
            DType::F32 => (weight.storage::<f32>(), 1),
            DType::BF16 if isa.has_pairs() && inputs.is_multiple_of(2) => {
                let Ok(pairs) = bytemuck::try_cast_slice(weight.storage::<bf16>()) else { return weight };
                (pairs, 2)
            }
            _ => return weight,
        };
        let (rows, count) = (inputs / inputs_of_value, inputs * outputs);
        // Not in place: a tensor lies anywhere, and products want panels that start at a cache line.
        let (mut memory, start) = aligned_from(rows * outputs);
        Panels::pack(isa, &values[..rows * outputs], rows, &mut memory[start..]);
        let layout = Layout::new([1, count].into(), vec![count as isize, 1], inputs_of_value * start);
        FlexTensor::new(Bytes::from_elems(memory), layout, weight.dtype())
    }
}

/// As [`Operators::project`], with a weight of any kind.
pub(super) fn multiply(
    x: FlexTensor,
    weight: WeightSlice,
    places: Places,
    bias: FlexTensor,
    gated: bool,
) -> FlexTensor {
    let (x, bias) = (forwards(x), bias.to_contiguous());
    let [batch, rows, inputs] = [0, 1, 2].map(|axis| x.shape()[axis]);
    let outputs = bias.shape()[0];
    let weight = Weight { values: weight, sizes: [inputs, outputs], places };
    let out = linear::linear(Isa::best(), &matrices(&x), &weight, values(&bias), gated);
    tensor(out, [batch, rows, if gated { outputs / 2 } else { outputs }])
}

/// As [`multiply`], with products of integers.
pub(super) fn multiply_integers(x: FlexTensor, weight: BytePanels, bias: FlexTensor, gated: bool) -> FlexTensor {
    let (x, bias) = (forwards(x), bias.to_contiguous());
    let [batch, rows] = [0, 1].map(|axis| x.shape()[axis]);
    let (isa, outputs) = (Isa::best(), bias.shape()[0]);
    let at_once = gated && int8::gates_at_once(outputs);
    let mut out = int8::linear(DotIsa::best(), &matrices(&x), weight, values(&bias), at_once);
    if gated && !at_once {
        out = activation::forward(isa, Activation::Geglu { width: outputs / 2 }, &out);
    }
    tensor(out, [batch, rows, if gated { outputs / 2 } else { outputs }])
}

/// Returns the rows of `x`, `[batch, rows, inputs]`, as one matrix or one for each of the batch.
fn matrices(x: &FlexTensor) -> Vec<Matrix<'_>> {
    let [batch, rows, inputs] = [0, 1, 2].map(|axis| x.shape()[axis]);
    let apart = [0, 1, 2].map(|axis| x.layout().strides()[axis] as usize);
    let all = &x.storage::<f32>()[x.layout().start_offset()..];
    // All rows form one matrix if the distance between rows is the same across the batch.
    if batch <= 1 || apart[0] == rows * apart[1] {
        vec![Matrix::new(all, [batch * rows, inputs], [apart[1], apart[2]])]
    } else {
        (0..batch).map(|n| Matrix::new(&all[n * apart[0]..], [rows, inputs], [apart[1], apart[2]])).collect()
    }
}

/// Returns the strides of a weight.
fn strides(weight: &FlexTensor) -> Places {
    Places::Apart([0, 1].map(|axis| weight.layout().strides()[axis] as usize))
}

/// Returns the tensor, or a copy if a stride is negative.
fn forwards(tensor: FlexTensor) -> FlexTensor {
    if tensor.layout().has_positive_strides() { tensor } else { tensor.to_contiguous() }
}

/// Returns a weight `[inputs, outputs]` packed, as one row of all its values, or unchanged if it cannot be packed.
pub(crate) fn pack<const D: usize>(weight: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Operators>::pack(weight.into_dispatch()))
}

/// As `crate::linear` and `crate::linear_geglu`, which have checked the shapes. A packed weight is one row.
pub(crate) fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    outputs: usize,
    gated: bool,
) -> Tensor<D> {
    by_rows(x, bias, outputs, gated, |x, bias| <Dispatch as Operators>::project(x, weight.into_dispatch(), bias, gated))
}

/// Calls `project` with `x` as `[batch, rows, inputs]` and a bias, which is zero if there is none.
pub(super) fn by_rows<const D: usize>(
    x: Tensor<D>,
    bias: Option<Tensor<1>>,
    outputs: usize,
    gated: bool,
    project: impl FnOnce(DispatchTensor, DispatchTensor) -> DispatchTensor,
) -> Tensor<D> {
    let mut shape = x.dims();
    let (inputs, rows) = (shape[D - 1], if D > 1 { shape[D - 2] } else { 1 });
    let batch = shape[..D.saturating_sub(2)].iter().product::<usize>();
    let x = x.reshape([batch, rows, inputs]);
    let bias = bias.unwrap_or_else(|| Tensor::zeros([outputs], &x.device()));
    shape[D - 1] = if gated { outputs / 2 } else { outputs };
    Tensor::<3>::from_dispatch(project(x.into_dispatch(), bias.into_dispatch())).reshape(shape)
}
