use burn::tensor::{Device, FloatDType};
use sd_device::DType;
use sd_weights::Precision;

/// The precision of a network's parameters on a device: only the weights are halved where everything else is faster in single.
pub(crate) fn precision(dtype: DType, device: &Device) -> Precision {
    let rest = if sd_ops::takes_half_weights(device) { FloatDType::F32 } else { dtype.float() };
    Precision { weights: dtype.float(), rest }
}
