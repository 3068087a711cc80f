use burn::tensor::{Device, FloatDType};
use sd_device::DType;
use sd_weights::Precision;

use crate::ModelError;

/// Returns the precision of a network's parameters on a device: where single precision is faster, only the weights are in
/// half, or stay in the quantized blocks that they have in the file.
pub(crate) fn precision(dtype: DType, device: &Device) -> Precision {
    if sd_ops::takes_half_weights(device) { half_weights(dtype) } else { dtype.float().into() }
}

/// Returns the precision of a network's parameters if only the weights are in half, or in blocks.
pub(crate) fn half_weights(dtype: DType) -> Precision {
    Precision { weights: dtype.float(), rest: FloatDType::F32, keeps_blocks: true }
}

/// Refuses a precision that a device does not compute in.
pub(crate) fn check_precision(dtype: DType, device: &Device) -> Result<(), ModelError> {
    match device.supports_dtype(dtype.float()) {
        true => Ok(()),
        false => Err(ModelError::Precision { device: "this device".into(), dtype, precisions: vec![DType::F32] }),
    }
}
