use burn::tensor::{DType, Device, Tensor};

/// Returns a weight in the given precision.
pub(crate) fn in_precision<const D: usize>(weight: Tensor<D>, dtype: DType) -> Tensor<D> {
    // Even a cast to the same precision would add a step to the backward pass.
    if weight.dtype() == dtype { weight } else { weight.cast(dtype) }
}

/// Returns whether this device takes half-precision weights of linear layers and convolutions while everything else is in
/// single precision.
///
/// Burn's Flex backend does, with the feature `flex`; its own operations in half precision are slow.
pub fn takes_half_weights(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    return crate::flex::is_flex(device);
    #[cfg(not(feature = "flex"))]
    {
        let _ = device;
        false
    }
}

/// Returns the name of this processor's instructions for products of integers of 8 bits, `avx512-vnni`, `avx-vnni`, `avx2` or
/// `dotprod`; none if it has none that go with its [`vectors`](crate::vectors), or without the feature `flex`.
///
/// [`linear`](crate::linear) needs them for weights in panels of `sd_quant`, where they make it faster, and never otherwise.
pub fn int8_instructions() -> Option<&'static str> {
    #[cfg(feature = "flex")]
    return crate::kernel::simd::DotIsa::best().own_name();
    #[cfg(not(feature = "flex"))]
    None
}

/// Returns whether this device convolves faster with weights in bf16 than in single precision.
///
/// Burn's Flex backend does on processors that multiply bf16 in tiles. Elsewhere Winograd's transforms, in single precision, are
/// as fast.
pub fn convolves_in_bf16(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    return crate::flex::is_flex(device) && crate::kernel::simd::Isa::best().tiles().is_some();
    #[cfg(not(feature = "flex"))]
    {
        let _ = device;
        false
    }
}
