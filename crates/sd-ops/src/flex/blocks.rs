//! Weights in quantized blocks: `[blocks, bytes of a block]`, one row for each block, with ones behind it if the weight has more
//! dimensions. The bytes are Burn's quantized integers; the length of a row tells the kind of the blocks.
//!
//! Linear layers may also have [`Panels`], `[16 outputs of 32 inputs, their bytes]`: their products are those of integers.
//!
//! Burn's own quantized tensors do not serve: Flex keeps integers of four bits in bytes, and their blocks have no minimum.

use burn::backend::tensor::{FloatTensor, QuantizedTensor};
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, Tensor};
use burn_flex::{FlexQTensor, FlexTensor};
use sd_quant::{BlockKind, Blocks, Panels};

use super::{images, is_flex, linear};
use crate::kernel::conv::window::Window;
use crate::kernel::linear::Places;
use crate::kernel::weight_slice::WeightSlice;
use crate::padding::Padding;

/// The operations with weights in blocks.
#[backend_extension(Flex)]
pub(crate) trait Operators: Backend {
    /// Returns `x·weight + bias`, or its GEGLU if `gated`. `x` is `[batch, rows, inputs]`.
    fn project_blocks(
        x: FloatTensor<Self>,
        weight: QuantizedTensor<Self>,
        bias: FloatTensor<Self>,
        gated: bool,
    ) -> FloatTensor<Self>;

    /// Returns the convolution of `x` with `weight`, plus `bias`.
    fn convolve_blocks(
        x: FloatTensor<Self>,
        weight: QuantizedTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;
}

impl Operators for Flex {
    fn project_blocks(x: FlexTensor, weight: FlexQTensor, bias: FlexTensor, gated: bool) -> FlexTensor {
        let inputs = x.shape()[2];
        if weight.tensor().shape()[1] == Panels::BYTES {
            return linear::multiply_integers(x, Panels::new(bytes(&weight), inputs), bias, gated);
        }
        // The blocks are in the order of a checkpoint, output by output.
        let places = Places::Apart([1, inputs]);
        linear::multiply(x, weights(&weight), places, bias, gated)
    }

    fn convolve_blocks(x: FlexTensor, weight: FlexQTensor, bias: FlexTensor, window: Window) -> FlexTensor {
        images::convolve(x, weights(&weight), bias, window)
    }
}

fn bytes(tensor: &FlexQTensor) -> &[u8] {
    bytemuck::cast_slice(tensor.tensor().storage::<i8>())
}

fn weights(tensor: &FlexQTensor) -> WeightSlice<'_> {
    let kind = BlockKind::of_bytes(tensor.tensor().shape()[1]).expect("checked by `outputs`");
    WeightSlice::Blocks(Blocks::new(kind, bytes(tensor)))
}

/// Returns whether this is a weight in blocks.
pub(crate) fn are_in<const D: usize>(weight: &Tensor<D>) -> bool {
    matches!(weight.dtype(), DType::QFloat(_)) && is_flex(&weight.device())
}

/// Returns the number of outputs of a weight in blocks, each of which has `terms` values.
///
/// # Panics
///
/// Panics if the blocks are of no kind, or if they are no whole outputs.
pub(crate) fn outputs<const D: usize>(weight: &Tensor<D>, terms: usize) -> usize {
    let dims = weight.dims();
    let kind = || BlockKind::of_bytes(dims[1]).unwrap_or_else(|| panic!("no blocks have {} bytes", dims[1]));
    let is_panels = D == 2 && dims[1] == Panels::BYTES;
    let values = dims[0] * if is_panels { Panels::INTEGERS } else { kind().values() };
    assert!(terms > 0 && values.is_multiple_of(terms), "{values} weights in blocks, {terms} for each output");
    values / terms
}

/// As `crate::linear` and `crate::linear_geglu`, which have checked the shapes.
pub(crate) fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    outputs: usize,
    gated: bool,
) -> Tensor<D> {
    linear::by_rows(x, bias, outputs, gated, |x, bias| {
        <Dispatch as Operators>::project_blocks(x, weight.into_dispatch(), bias, gated)
    })
}

/// As `crate::conv2d`, with the size of the kernels, which blocks do not tell.
///
/// # Panics
///
/// Panics if the weight is no whole kernels, or if these do not fit the padded image.
pub(crate) fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    kernel: [usize; 2],
    stride: usize,
    padding: Padding,
) -> Tensor<4> {
    let [_, inputs, height, width] = x.dims();
    let padded = [height + padding.top + padding.bottom, width + padding.left + padding.right];
    assert!(padded[0] >= kernel[0] && padded[1] >= kernel[1], "a kernel {kernel:?} in a padded image {padded:?}");
    let outputs = outputs(&weight, inputs * kernel[0] * kernel[1]);
    let window = images::window(&x, outputs, kernel, stride, padding);
    let bias = bias.unwrap_or_else(|| Tensor::zeros([outputs], &x.device()));
    let [x, weight, bias] = [x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as Operators>::convolve_blocks(x, weight, bias, window))
}
