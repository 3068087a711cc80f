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
