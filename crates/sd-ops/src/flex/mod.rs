//! Where tensors meet the kernels: extensions of Burn's Flex backend, and of its autodiff.

pub(crate) mod images;
pub(crate) mod linear;
pub(crate) mod tokens;

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Device, Shape, Tensor, TensorData};
use burn_flex::FlexTensor;
use half::{bf16, f16};

use crate::kernel::weight_slice::WeightSlice;

/// Whether the kernels are this device's.
fn has_kernels(device: &DispatchDevice) -> bool {
    match device {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "autodiff")]
        DispatchDevice::Autodiff(device) => matches!(**device, DispatchDevice::Flex(_)),
        #[allow(unreachable_patterns, reason = "which devices there are is up to the features of Burn")]
        _ => false,
    }
}

/// Whether this is the device of the kernels that have no gradients.
pub(crate) fn is_flex(device: &Device) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

/// Whether the kernels can take this tensor.
pub(crate) fn fits<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && has_kernels(x.device().as_dispatch())
}

/// Whether the kernels that have no gradients can take this tensor.
pub(crate) fn fits_forward<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && is_flex(&x.device())
}

/// Whether the kernels that have no gradients can take this tensor as a weight, which half precision may have.
pub(crate) fn fits_weight<const D: usize>(weight: &Tensor<D>) -> bool {
    matches!(weight.dtype(), DType::F32 | DType::F16 | DType::BF16) && is_flex(&weight.device())
}

/// All values of a tensor that is a weight, from its first on.
fn weights(tensor: &FlexTensor) -> WeightSlice<'_> {
    let start = tensor.layout().start_offset();
    match tensor.dtype() {
        DType::F16 => WeightSlice::F16(&tensor.storage::<f16>()[start..]),
        DType::BF16 => WeightSlice::Bf16(&tensor.storage::<bf16>()[start..]),
        _ => WeightSlice::F32(&tensor.storage::<f32>()[start..]),
    }
}

/// The values of a contiguous tensor in single precision.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("a contiguous tensor in single precision")
}

fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
