use std::f32::consts::FRAC_1_SQRT_2;

use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::cubes::rows_of_cubes;
use super::rows::Rows;

/// Units of a cube.
const UNITS: usize = 256;

/// Returns the first half of the last axis times the GELU of the second half.
pub fn geglu(x: CubeTensor) -> CubeTensor {
    let mut shape = x.meta.shape().clone();
    let Rows { tensor: x, count, width, stride } = Rows::new(x);
    let axis = shape.num_dims() - 1;
    shape[axis] = width / 2;
    let (client, dtype) = (x.client.clone(), x.dtype);
    let out = empty_device_contiguous_dtype(client.clone(), x.device.clone(), shape, dtype);
    gate::launch(
        &client,
        rows_of_cubes((count * width / 2).div_ceil(UNITS)),
        CubeDim::new_1d(UNITS as u32),
        x.into_tensor_arg(),
        out.clone().into_tensor_arg(),
        count * width / 2,
        width / 2,
        stride,
        dtype_to_storage_type(dtype),
    );
    out
}

#[cube(launch)]
fn gate<F: Float>(
    x: &Tensor<F>,
    out: &mut Tensor<F>,
    count: usize,
    width: usize,
    stride: usize,
    #[define(F)] _dtype: ElemType,
) {
    let place = ABSOLUTE_POS;
    if place >= count {
        terminate!();
    }
    let start = place / width * stride + place % width;
    let (value, gate) = (f32::cast_from(x[start]), f32::cast_from(x[start + width]));
    let gelu = 0.5f32 * gate * (1.0f32 + Erf::erf(gate * FRAC_1_SQRT_2));
    out[place] = F::cast_from(value * gelu);
}
