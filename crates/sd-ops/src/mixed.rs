use burn::tensor::{DType, Device, Tensor};

/// A weight in the precision of what it is multiplied with.
pub(crate) fn in_precision<const D: usize>(weight: Tensor<D>, dtype: DType) -> Tensor<D> {
    // A cast to the same would still be a step for gradients to go back.
    if weight.dtype() == dtype { weight } else { weight.cast(dtype) }
}

/// Whether weights of linear layers and convolutions may be in half precision on this device while everything else is in
/// single: on Burn's Flex backend, whose own operations in half precision are slow, with the feature `flex`.
pub fn takes_half_weights(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    return crate::flex::is_flex(device);
    #[cfg(not(feature = "flex"))]
    {
        let _ = device;
        false
    }
}
