//! Estimates the memory for decoding, whole and in bands of rows.

use sd_vae::Banding;

use crate::vae::VaeConfig;

/// Bytes for decoding a whole image: several tensors at full size.
pub(crate) fn decoding(config: &VaeConfig, width: usize, height: usize) -> usize {
    /// Measured: 3.0 to 3.6, with Stable Diffusion 1.5 on the flex backend, at 1024×1024 to 512×512.
    const LIVE_TENSORS: usize = 4;
    tensors(LIVE_TENSORS, config.full_size_channels(), width, height)
}

/// Bytes for decoding in bands: the largest map that is kept, or the attention's tensors, and several tensors of a band.
pub(crate) fn decoding_in_bands(config: &VaeConfig, width: usize, height: usize) -> usize {
    /// The input, its norm, queries, keys, values and two outputs.
    const ATTENTION_TENSORS: usize = 7;
    /// Measured: 5.0, with Stable Diffusion 1.5 on the flex backend, at widths of 512 and 2048.
    const BAND_TENSORS: usize = 5;
    /// What kernels keep, and gaps in the heap. Measured: 56 to 117 MB.
    const OTHER: usize = 120_000_000;
    let image = tensors(2, 3, width, height);
    let kept = match config {
        VaeConfig::Kl(kl) => {
            let values = kl.block_out_channels[0].saturating_mul(width).saturating_mul(height);
            let bytes = if values >= Banding::default().half_from { 2 } else { 4 };
            let [wide, high] = [width, height].map(|pixels| pixels / config.factor());
            let attention = tensors(ATTENTION_TENSORS, config.coarsest_channels(), wide, high);
            values.saturating_mul(bytes).max(attention)
        }
        // The map before the last upsampling, and the one that it is computed from.
        VaeConfig::Tiny(_) => tensors(2, config.full_size_channels(), width / 2, height / 2),
    };
    kept.max(image).saturating_add(BAND_TENSORS * band(config, width) + OTHER)
}

/// Bytes of the largest single tensor when decoding in bands.
pub(crate) fn largest_of_bands(config: &VaeConfig, width: usize, height: usize) -> usize {
    let factor = config.factor();
    tensors(1, config.coarsest_channels(), width / factor, height / factor).max(band(config, width))
}

/// Bytes of a band's widest tensor.
fn band(config: &VaeConfig, width: usize) -> usize {
    let Banding { values, rows, .. } = Banding::default();
    (4 * values).max(tensors(1, config.full_size_channels(), width, rows))
}

/// Bytes of tensors in single precision.
pub(crate) fn tensors(count: usize, channels: usize, width: usize, height: usize) -> usize {
    (4 * count * channels).saturating_mul(width).saturating_mul(height)
}
