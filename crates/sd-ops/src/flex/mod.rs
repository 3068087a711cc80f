//! The kernels as operations of Burn's Flex backend, and of its autodiff.

pub(crate) mod blocks;
pub(crate) mod images;
pub(crate) mod linear;
pub(crate) mod moments;
pub(crate) mod tokens;

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Device, Shape, Tensor, TensorData};
use burn_flex::FlexTensor;
use half::{bf16, f16};

use crate::kernel::weight_slice::WeightSlice;

/// Returns whether the kernels run on this device.
fn has_kernels(device: &DispatchDevice) -> bool {
    match device {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "autodiff")]
        DispatchDevice::Autodiff(device) => matches!(**device, DispatchDevice::Flex(_)),
        #[allow(unreachable_patterns, reason = "the features of Burn decide which devices there are")]
        _ => false,
    }
}

/// Returns whether this is Flex without autodiff, on which the kernels without gradients run.
pub(crate) fn is_flex(device: &Device) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

/// Returns whether the kernels take this tensor.
pub(crate) fn fits<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && has_kernels(x.device().as_dispatch())
}

/// Returns whether the kernels without gradients take this tensor.
pub(crate) fn fits_forward<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && is_flex(&x.device())
}

/// Returns whether the kernels without gradients take this tensor as a weight, which may be in half precision.
pub(crate) fn fits_weight<const D: usize>(weight: &Tensor<D>) -> bool {
    matches!(weight.dtype(), DType::F32 | DType::F16 | DType::BF16) && is_flex(&weight.device())
}

/// Returns a weight's values, from its first one to the end of its memory.
fn weights(tensor: &FlexTensor) -> WeightSlice<'_> {
    let start = tensor.layout().start_offset();
    match tensor.dtype() {
        DType::F16 => WeightSlice::F16(&tensor.storage::<f16>()[start..]),
        DType::BF16 => WeightSlice::Bf16(&tensor.storage::<bf16>()[start..]),
        _ => WeightSlice::F32(&tensor.storage::<f32>()[start..]),
    }
}

/// Returns the values of a contiguous tensor in single precision.
fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("a contiguous tensor in single precision")
}

fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
