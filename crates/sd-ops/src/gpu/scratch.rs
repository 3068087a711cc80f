use std::ops::Range;

use burn::backend::ops::FloatTensorOps;
use burn::tensor::DType;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl::client::Client;
use burn_cubecl::tensor::CubeTensor;

use crate::memory::SCRATCH;

/// Returns how many rows can be computed at a time if each needs so many temporary values, at least one.
///
/// The limit is [`SCRATCH`] values, or the driver's largest buffer if that is smaller.
pub fn rows_at_a_time(client: &Client, rows: usize, values: usize, dtype: DType) -> usize {
    let largest = client.properties().memory.max_page_size as usize / dtype.size();
    (SCRATCH.min(largest) / values).clamp(1, rows)
}

/// Computes at most `most` rows at a time and concatenates their outputs along an axis.
pub fn in_parts(rows: usize, most: usize, axis: usize, part: impl Fn(Range<usize>) -> CubeTensor) -> CubeTensor {
    let part = |first| part(first..(first + most).min(rows));
    let mut parts: Vec<CubeTensor> = (0..rows).step_by(most).map(part).collect();
    if parts.len() == 1 { parts.remove(0) } else { CubeBackend::float_cat(parts, axis) }
}
