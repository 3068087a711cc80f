use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::cubes::{rows_of_cubes, sum};
use super::rows::Rows;

/// Units of a cube.
const UNITS: usize = 128;

/// Returns the layer norm of the last axis. Each row has a cube.
pub fn layer_norm(x: CubeTensor, gamma: CubeTensor, beta: CubeTensor, eps: f32) -> CubeTensor {
    let shape = x.meta.shape().clone();
    let Rows { tensor: x, count, width, stride } = Rows::new(x);
    let (client, dtype) = (x.client.clone(), x.dtype);
    let out = empty_device_contiguous_dtype(client.clone(), x.device.clone(), shape, dtype);
    normalise::launch(
        &client,
        rows_of_cubes(count),
        CubeDim::new_1d(UNITS as u32),
        x.into_tensor_arg(),
        into_contiguous(gamma).into_tensor_arg(),
        into_contiguous(beta).into_tensor_arg(),
        out.clone().into_tensor_arg(),
        count,
        width,
        stride,
        eps,
        UNITS,
        dtype_to_storage_type(dtype),
    );
    out
}

#[cube(launch)]
fn normalise<F: Float>(
    x: &Tensor<F>,
    gamma: &Tensor<F>,
    beta: &Tensor<F>,
    out: &mut Tensor<F>,
    rows: usize,
    width: usize,
    stride: usize,
    eps: f32,
    #[comptime] units: usize,
    #[define(F)] _dtype: ElemType,
) {
    let row = CUBE_POS;
    if row >= rows {
        terminate!();
    }
    let mut shared = Shared::new_slice(units);
    let mut total = 0.0f32;
    let mut i = UNIT_POS_X as usize;
    while i < width {
        total += f32::cast_from(x[row * stride + i]);
        i += units;
    }
    let mean = sum(total, &mut shared, units) / f32::cast_from(width as u32);
    let mut squares = 0.0f32;
    let mut i = UNIT_POS_X as usize;
    while i < width {
        let apart = f32::cast_from(x[row * stride + i]) - mean;
        squares += apart * apart;
        i += units;
    }
    let scale = 1.0f32 / f32::sqrt(sum(squares, &mut shared, units) / f32::cast_from(width as u32) + eps);
    let mut i = UNIT_POS_X as usize;
    while i < width {
        let value = (f32::cast_from(x[row * stride + i]) - mean) * scale;
        out[row * width + i] = F::cast_from(value * f32::cast_from(gamma[i]) + f32::cast_from(beta[i]));
        i += units;
    }
}
