use burn::tensor::Tensor;

use crate::activation::geglu;
#[cfg(feature = "flex")]
use crate::flex::{self, fits_forward, fits_weight};
use crate::mixed::in_precision;

/// Returns `x·weight + bias` for each vector along the last axis.
///
/// # Shapes
///
/// - `x`: `[…, inputs]`
/// - `weight`: `[inputs, outputs]`, or [packed](crate::pack). It may be a transposed view, as matrices are in checkpoints.
///   It may be in half precision while `x` is in single precision: Burn's Flex backend then sums bf16 products in single
///   precision if that is faster on the processor (`vectors`), and widens the weight otherwise. There it may also be in quantized
///   blocks, output by output: Burn's quantized integers `[blocks, bytes of a block]`, in a layout of `sd_quant`; or in panels
///   of `q8_0`, `[16 outputs of 32 inputs, their bytes]`: then `x` is rounded to such blocks, too, and integers are multiplied.
/// - `bias`: `[outputs]`
/// - output: `[…, outputs]`
///
/// # Panics
///
/// Panics if the shapes do not match.
pub fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    with(x, weight, bias, false)
}

/// Returns the [`geglu`](crate::geglu) of a [`linear`] layer, in one pass over memory.
///
/// # Shapes
///
/// - `weight` and `bias`: of `2·width` outputs, not packed
/// - output: `[…, width]`
///
/// # Panics
///
/// As [`linear`], and if the number of outputs is zero or odd.
pub fn linear_geglu<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    with(x, weight, bias, true)
}

fn with<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>, gated: bool) -> Tensor<D> {
    let ([rows, columns], inputs) = (weight.dims(), x.dims()[D - 1]);
    #[cfg(feature = "flex")]
    let in_blocks = flex::blocks::are_in(&weight).then(|| flex::blocks::outputs(&weight, inputs));
    #[cfg(not(feature = "flex"))]
    let in_blocks: Option<usize> = None;
    let is_packed = rows == 1 && inputs > 1 && columns.is_multiple_of(inputs) && !gated;
    let fits = in_blocks.is_some() || rows == inputs || is_packed;
    assert!(fits, "vectors of {inputs} values do not fit a weight [{rows}, {columns}]");
    let outputs = in_blocks.unwrap_or(if is_packed { columns / inputs } else { columns });
    assert!(
        bias.as_ref().is_none_or(|bias| bias.dims() == [outputs]),
        "the bias needs one value for each of the {outputs} outputs"
    );
    assert!(
        !gated || outputs > 0 && outputs.is_multiple_of(2),
        "GEGLU needs an even number of outputs above zero, not {outputs}"
    );
    #[cfg(feature = "flex")]
    if in_blocks.is_some() {
        return flex::blocks::linear(x, weight, bias, outputs, gated);
    }
    #[cfg(feature = "flex")]
    if fits_forward(&x) && fits_weight(&weight) && bias.as_ref().is_none_or(fits_forward) {
        return flex::linear::linear(x, weight, bias, outputs, gated);
    }
    let weight = in_precision(weight, x.dtype());
    #[cfg(feature = "gpu")]
    if crate::gpu::fits(&x) && !is_packed {
        let out = crate::gpu::linear(x, weight, bias);
        return if gated { geglu(out) } else { out };
    }
    let out = burn::tensor::module::linear(x, weight, bias);
    if gated { geglu(out) } else { out }
}
