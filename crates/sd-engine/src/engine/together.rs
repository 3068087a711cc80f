//! How many images of a job are drawn together.

use sd_device::is_flex;
use sd_pipeline::{MemoryNeed, Model, Workload};

use super::Planned;
use crate::EngineOptions;

/// The most images that are drawn together.
pub const MOST_TOGETHER: usize = 8;
/// Multiply-adds of a call, as [`Model::products`] counts them, from which further images gain nothing: those of Stable Diffusion 1.5 at
/// about 100×100. docs/performance.md has the measurements.
const ENOUGH: u64 = 1 << 38;

/// Returns how many images of a planned job draw faster together than one after another; at least 1.
///
/// The kernels of `flex` compute each image of a batch as if it were alone, to the bit, so this changes the time alone. Other devices
/// round sums by the size of a batch. Images of several passes are drawn one by one.
pub(super) fn together(planned: &Planned, model: &Model, options: &EngineOptions) -> usize {
    let EngineOptions { dtype, device, .. } = options;
    let workload = planned.plan.workload();
    if !is_flex(&device.name) || planned.plans().count() > 1 || workload.tiled {
        return 1;
    }
    let products = model.products(&workload).max(1);
    let fits = |images: &usize| {
        let need = model.memory(&Workload { rows: workload.rows * images, ..workload }, *dtype, device);
        let need = MemoryNeed { decoding: need.decoding.saturating_mul(*images), ..need };
        device.available.or(device.memory).is_none_or(|available| need.peak() as u64 <= available)
    };
    let wanted = ENOUGH.div_ceil(products).min(MOST_TOGETHER as u64) as usize;
    (2..=wanted).rev().find(fits).unwrap_or(1)
}
