//! Where tensors meet the kernels: extensions of Burn's Flex backend, and of its autodiff.

pub(crate) mod linear;
pub(crate) mod pictures;
pub(crate) mod tokens;

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Shape, Tensor, TensorData};
use burn_flex::FlexTensor;

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

/// Whether the kernels can take this tensor.
pub(crate) fn fits<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && has_kernels(x.device().as_dispatch())
}

/// Whether the kernels that have no gradients can take this tensor.
pub(crate) fn fits_forward<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && matches!(x.device().as_dispatch(), DispatchDevice::Flex(_))
}

/// The numbers of a contiguous tensor in single precision.
fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("a contiguous tensor in single precision")
}

fn tensor(numbers: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}
