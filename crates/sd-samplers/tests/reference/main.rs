//! Samplers against the implementations that others measure by, call by call.

mod diffusers;
mod dpm_solver;
mod k_diffusion;
mod torch;

use burn::tensor::{DType, Device, Tensor, TensorData};

/// An image of these numbers in a row.
fn tensor(numbers: Vec<f64>) -> Tensor<4> {
    let shape = [1, 1, 1, numbers.len()];
    Tensor::from_data(TensorData::new(numbers, shape), (&Device::flex(), DType::F64))
}
