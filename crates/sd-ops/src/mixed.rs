use burn::tensor::Device;

/// Whether weights of linear layers and convolutions may be in half precision on this device while everything else is in
/// single: on Burn's Flex backend, whose own operations in half precision are slow.
#[cfg(feature = "flex")]
pub fn takes_half_weights(device: &Device) -> bool {
    crate::extension::is_flex(device)
}

/// Whether weights of linear layers and convolutions may be in half precision on this device while everything else is in
/// single: on none, without the feature `flex`.
#[cfg(not(feature = "flex"))]
pub fn takes_half_weights(_device: &Device) -> bool {
    false
}
