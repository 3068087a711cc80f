use burn::tensor::Tensor;

use crate::activation::geglu;
#[cfg(feature = "flex")]
use crate::flex::{self, fits_forward, fits_weight};
use crate::mixed::in_precision;

/// A linear layer: `x·weight + bias` of each vector.
///
/// # Shapes
///
/// - `x`: `[…, inputs]`
/// - `weight`: `[inputs, outputs]`, or [packed](crate::pack); it may be a transposed view, as matrices lie in checkpoints,
///   and in half precision where `x` is in single: on Burn's Flex backend bf16 products are summed in single precision if
///   that is faster on the processor (`vectors`), and else the weight is widened
/// - `bias`: `[outputs]`
/// - output: `[…, outputs]`
///
/// # Panics
///
/// Panics if the shapes do not fit each other.
pub fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    with(x, weight, bias, false)
}

/// The [`geglu`](crate::geglu) of a [`linear`] layer, in one pass over memory.
///
/// # Shapes
///
/// - `weight` and `bias`: with `2·width` outputs, not packed
/// - output: `[…, width]`
///
/// # Panics
///
/// As [`linear`], and if the outputs have no halves.
pub fn linear_geglu<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    with(x, weight, bias, true)
}

fn with<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>, gated: bool) -> Tensor<D> {
    let ([rows, columns], inputs) = (weight.dims(), x.dims()[D - 1]);
    let is_packed = rows == 1 && inputs > 1 && columns.is_multiple_of(inputs) && !gated;
    assert!(rows == inputs || is_packed, "vectors of {inputs} values and a weight [{rows}, {columns}]");
    let outputs = if is_packed { columns / inputs } else { columns };
    assert!(bias.as_ref().is_none_or(|bias| bias.dims() == [outputs]), "a bias for each of {outputs} outputs");
    assert!(!gated || outputs > 0 && outputs.is_multiple_of(2), "halves of {outputs} outputs");
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
