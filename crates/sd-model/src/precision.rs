use burn::tensor::{Device, FloatDType};
use sd_device::DType;
use sd_weights::Precision;

use crate::ModelError;

/// Returns the precision of a network's parameters on a device: where single precision is faster, only the weights are in
/// half.
pub(crate) fn precision(dtype: DType, device: &Device) -> Precision {
    let rest = if sd_ops::takes_half_weights(device) { FloatDType::F32 } else { dtype.float() };
    Precision { weights: dtype.float(), rest }
}

/// Refuses a precision that a device does not compute in.
pub(crate) fn check_precision(dtype: DType, device: &Device) -> Result<(), ModelError> {
    match device.supports_dtype(dtype.float()) {
        true => Ok(()),
        false => Err(ModelError::Precision { device: "this device".into(), dtype, precisions: vec![DType::F32] }),
    }
}
