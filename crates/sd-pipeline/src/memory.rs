//! Whether a picture will foreseeably fit into the machine's memory.

use sd_unet::UnconditionalUnetConfig;
use sysinfo::System;

use crate::vae::VaeConfig;
use crate::{DType, Error};

/// Bytes that decoding a picture takes at its peak: several tensors at full size.
///
/// Decoding is what takes most: the U-Net works on an eighth of the width and height.
pub(crate) fn of_decoding(config: &VaeConfig, width: usize, height: usize) -> usize {
    /// 4.3 were measured with the flex backend at 512×512; see docs/performance.md.
    const LIVE_TENSORS: usize = 5;
    LIVE_TENSORS.saturating_mul(width).saturating_mul(height).saturating_mul(4 * config.full_size_channels())
}

/// Bytes that a U-Net on pixels takes at its peak: several tensors of the finest level, at full size.
pub(crate) fn of_denoising(config: &UnconditionalUnetConfig, width: usize, height: usize) -> usize {
    /// 9.5 to 10.4 were measured with the flex backend, at 256×256 and 128×128.
    const LIVE_TENSORS: usize = 12;
    LIVE_TENSORS.saturating_mul(width).saturating_mul(height).saturating_mul(4 * config.levels[0].channels)
}

/// Refuses what would need more bytes than are free.
pub(crate) fn check(needed: usize, dtype: DType) -> Result<(), Error> {
    let mut system = System::new();
    system.refresh_memory();
    let free = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory).min(system.available_memory());
    // A system that does not say is not a reason to refuse.
    if free == 0 || needed as u64 <= free {
        return Ok(());
    }
    let gigabytes = |bytes: f64| bytes / 1e9;
    Err(Error::Memory {
        needed: gigabytes(needed as f64),
        available: gigabytes(free as f64),
        or_half: if dtype == DType::F32 { ", or use --dtype bf16" } else { "" },
    })
}
