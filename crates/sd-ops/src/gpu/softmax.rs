use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::cubes::{most, rows_of_cubes, sum};
use super::rows::Rows;

/// Returns the softmax of `scale` times scores in single precision `[batch, heads, queries, keys]`, rounded to `dtype`.
///
/// Each row has a cube. With `first`, the place of the first query, query `i` sees keys 0 to `first + i` only.
pub fn softmax(scores: CubeTensor, scale: f32, first: Option<usize>, dtype: DType) -> CubeTensor {
    let shape = scores.meta.shape().clone();
    let queries = shape[2];
    let Rows { tensor: scores, count, width, stride } = Rows::new(scores);
    // Units of a cube.
    let units = (width / 4).next_power_of_two().clamp(32, 256);
    let client = scores.client.clone();
    let out = empty_device_contiguous_dtype(client.clone(), scores.device.clone(), shape, dtype);
    weigh::launch(
        &client,
        rows_of_cubes(count),
        CubeDim::new_1d(units as u32),
        scores.into_tensor_arg(),
        out.clone().into_tensor_arg(),
        ScoresLaunch::new(count, queries, width, stride, first.unwrap_or(0)),
        scale,
        first.is_some(),
        units,
        dtype_to_storage_type(dtype),
    );
    out
}

/// The sizes of the scores.
#[derive(CubeType, CubeLaunch)]
struct Scores {
    rows: usize,
    /// Queries of a head.
    queries: usize,
    keys: usize,
    /// Distance between rows.
    stride: usize,
    /// The place of a head's first query.
    first: usize,
}

#[cube(launch)]
fn weigh<F: Float>(
    scores: &Tensor<f32>,
    out: &mut Tensor<F>,
    sizes: &Scores,
    scale: f32,
    #[comptime] is_causal: bool,
    #[comptime] units: usize,
    #[define(F)] _dtype: ElemType,
) {
    let row = CUBE_POS;
    if row >= sizes.rows {
        terminate!();
    }
    let mut seen = sizes.keys;
    if is_causal {
        seen = sizes.keys.min(sizes.first + row % sizes.queries + 1);
    }
    let start = row * sizes.stride;
    let mut shared = Shared::new_slice(units);

    let mut largest = f32::min_value();
    let mut i = UNIT_POS_X as usize;
    while i < seen {
        largest = f32::max(largest, scores[start + i]);
        i += units;
    }
    let largest = most(largest, &mut shared, units);
    let mut total = 0.0f32;
    let mut i = UNIT_POS_X as usize;
    while i < seen {
        total += f32::exp((scores[start + i] - largest) * scale);
        i += units;
    }
    let total = sum(total, &mut shared, units);
    let mut i = UNIT_POS_X as usize;
    while i < sizes.keys {
        let mut weight = 0.0f32;
        if i < seen {
            weight = f32::exp((scores[start + i] - largest) * scale) / total;
        }
        out[row * sizes.keys + i] = F::cast_from(weight);
        i += units;
    }
}
