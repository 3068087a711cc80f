//! Samplers against the reference implementations, call by call.

mod diffusers;
mod dpm_solver;
mod k_diffusion;
mod slerp;
mod torch;

use burn::tensor::{DType, Device, Tensor, TensorData};

/// An image with these values in a row.
fn tensor(values: Vec<f64>) -> Tensor<4> {
    let shape = [1, 1, 1, values.len()];
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}
