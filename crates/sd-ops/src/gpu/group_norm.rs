use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::cubes::sum;
use super::rows::Rows;

/// The approximate number of values for a cube.
const VALUES: usize = 8192;
/// Units of a cube.
const UNITS: usize = 256;

/// Returns the group norm of `[batch, tokens, channels]`, or its SiLU if `silu`.
///
/// The values of a group are divided among cubes. In a first kernel each cube writes the mean of its part and the sum of
/// squared deviations from it. In a second one each combines those of its whole group (Chan, Golub and LeVeque 1979), so
/// that nothing cancels.
pub fn group_norm(
    x: CubeTensor,
    gamma: CubeTensor,
    beta: CubeTensor,
    groups: usize,
    eps: f32,
    silu: bool,
) -> CubeTensor {
    let shape = x.meta.shape().clone();
    let [batch, pixels, channels] = [0, 1, 2].map(|axis| shape[axis]);
    let Rows { tensor: x, stride, .. } = Rows::new(x);
    let (client, device, dtype) = (x.client.clone(), x.device.clone(), x.dtype);
    let width = channels / groups;
    let part = VALUES.div_ceil(width).min(pixels);
    let parts = pixels.div_ceil(part);
    let out = empty_device_contiguous_dtype(client.clone(), device.clone(), shape, dtype);
    let moments = [batch * groups, parts, 2].into();
    let moments = empty_device_contiguous_dtype(client.clone(), device, moments, burn::tensor::DType::F32);
    let count = CubeCount::Static(parts as u32, (batch * groups) as u32, 1);
    let sizes = GroupsLaunch::new(pixels, stride, part, width, groups);
    part_moments::launch(
        &client,
        count.clone(),
        CubeDim::new_1d(UNITS as u32),
        x.clone().into_tensor_arg(),
        moments.clone().into_tensor_arg(),
        sizes,
        UNITS,
        dtype_to_storage_type(dtype),
    );
    let sizes = GroupsLaunch::new(pixels, stride, part, width, groups);
    normalise::launch(
        &client,
        count,
        CubeDim::new_1d(UNITS as u32),
        x.into_tensor_arg(),
        moments.into_tensor_arg(),
        into_contiguous(gamma).into_tensor_arg(),
        into_contiguous(beta).into_tensor_arg(),
        out.clone().into_tensor_arg(),
        sizes,
        eps,
        silu,
        UNITS,
        dtype_to_storage_type(dtype),
    );
    out
}

/// How the values are divided. Sizes count values, except `pixels` and `part`, which count pixels.
#[derive(CubeType, CubeLaunch)]
struct Groups {
    /// Pixels of an image.
    pixels: usize,
    /// Distance between pixels of the input.
    stride: usize,
    /// Pixels of a cube's part.
    part: usize,
    /// Values of a group in a pixel.
    width: usize,
    /// Groups of a pixel.
    groups: usize,
}

/// Computes the mean of each part, and the sum of squared deviations from it.
#[cube(launch)]
fn part_moments<F: Float>(
    x: &Tensor<F>,
    moments: &mut Tensor<f32>,
    sizes: &Groups,
    #[comptime] units: usize,
    #[define(F)] _dtype: ElemType,
) {
    let (part, group) = (CUBE_POS_X as usize, CUBE_POS_Y as usize);
    let first = part * sizes.part;
    let count = sizes.part.min(sizes.pixels - first) * sizes.width;
    let start = (group / sizes.groups * sizes.pixels + first) * sizes.stride + group % sizes.groups * sizes.width;
    let mut shared = Shared::new_slice(units);

    let mut total = 0.0f32;
    let mut i = UNIT_POS_X as usize;
    while i < count {
        total += f32::cast_from(x[start + i / sizes.width * sizes.stride + i % sizes.width]);
        i += units;
    }
    let mean = sum(total, &mut shared, units) / f32::cast_from(count as u32);
    let mut squares = 0.0f32;
    let mut i = UNIT_POS_X as usize;
    while i < count {
        let apart = f32::cast_from(x[start + i / sizes.width * sizes.stride + i % sizes.width]) - mean;
        squares += apart * apart;
        i += units;
    }
    let squares = sum(squares, &mut shared, units);
    if UNIT_POS_X == 0 {
        let place = (group * CUBE_COUNT_X as usize + part) * 2;
        moments[place] = mean;
        moments[place + 1] = squares;
    }
}

/// Normalises the values.
#[cube(launch)]
fn normalise<F: Float>(
    x: &Tensor<F>,
    moments: &Tensor<f32>,
    gamma: &Tensor<F>,
    beta: &Tensor<F>,
    out: &mut Tensor<F>,
    sizes: &Groups,
    eps: f32,
    #[comptime] silu: bool,
    #[comptime] units: usize,
    #[define(F)] _dtype: ElemType,
) {
    let (part, group) = (CUBE_POS_X as usize, CUBE_POS_Y as usize);
    let parts = CUBE_COUNT_X as usize;
    let all = f32::cast_from((sizes.pixels * sizes.width) as u32);
    let mut shared = Shared::new_slice(units);

    let mut total = 0.0f32;
    let mut i = UNIT_POS_X as usize;
    while i < parts {
        let count = sizes.part.min(sizes.pixels - i * sizes.part) * sizes.width;
        total += moments[(group * parts + i) * 2] * f32::cast_from(count as u32);
        i += units;
    }
    let mean = sum(total, &mut shared, units) / all;
    let mut squares = 0.0f32;
    let mut i = UNIT_POS_X as usize;
    while i < parts {
        let count = sizes.part.min(sizes.pixels - i * sizes.part) * sizes.width;
        let apart = moments[(group * parts + i) * 2] - mean;
        squares += moments[(group * parts + i) * 2 + 1] + apart * apart * f32::cast_from(count as u32);
        i += units;
    }
    let scale = 1.0f32 / f32::sqrt(sum(squares, &mut shared, units) / all + eps);

    let first = part * sizes.part;
    let count = sizes.part.min(sizes.pixels - first) * sizes.width;
    let pixel = group / sizes.groups * sizes.pixels + first;
    let channel = group % sizes.groups * sizes.width;
    let mut i = UNIT_POS_X as usize;
    while i < count {
        let (row, column) = (pixel + i / sizes.width, channel + i % sizes.width);
        let value = (f32::cast_from(x[row * sizes.stride + column]) - mean) * scale;
        let mut value = value * f32::cast_from(gamma[column]) + f32::cast_from(beta[column]);
        if silu {
            value = value / (1.0f32 + f32::exp(-value));
        }
        out[row * (sizes.groups * sizes.width) + column] = F::cast_from(value);
        i += units;
    }
}
