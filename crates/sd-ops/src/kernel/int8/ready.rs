use sd_quant::Panels;

use crate::kernel::aligned::aligned;
use crate::kernel::simd::Dots;

/// Panels as the instructions read them: aligned, unsigned if they must be, and with scales in single precision.
pub(super) struct Ready<'a> {
    /// `[panels, blocks, 8, 16 outputs, 4 inputs]`
    weights: &'a [u8],
    /// `[panels, blocks, 16 outputs]`
    scales: &'a [f32],
    /// The blocks of an output.
    blocks: usize,
}

/// One of these panels.
#[derive(Clone, Copy)]
pub(super) struct ReadyPanel<'a> {
    pub weights: &'a [u8],
    pub scales: &'a [f32],
}

impl<'a> Ready<'a> {
    /// Copies some panels, at most `count`.
    #[inline(always)]
    pub fn new<D: Dots>(
        from: Panels,
        panels: impl Iterator<Item = usize>,
        count: usize,
        [weights, scales]: &'a mut [Vec<f32>; 2],
    ) -> Self {
        let blocks = from.blocks();
        let weights: &mut [u8] = bytemuck::cast_slice_mut(aligned(weights, count * blocks * Panels::INTEGERS / 4));
        let scales = aligned(scales, count * blocks * Panels::OUTPUTS);
        let sources = panels.flat_map(|panel| (0..blocks).map(move |block| (panel, block)));
        let places = weights.as_chunks_mut().0.iter_mut().zip(scales.as_chunks_mut().0);
        for ((panel, block), (to, to_scales)) in sources.zip(places) {
            let (integers, scales) = from.block(panel, block);
            *to_scales = scales;
            // The sign's bit turned over is 128 more.
            *to = if D::UNSIGNED { integers.map(|byte| byte ^ 0x80) } else { *integers };
        }
        Self { weights, scales, blocks }
    }

    /// Returns one of the copies.
    #[inline(always)]
    pub fn panel(&self, place: usize) -> ReadyPanel<'a> {
        ReadyPanel {
            weights: &self.weights[place * self.blocks * Panels::INTEGERS..][..self.blocks * Panels::INTEGERS],
            scales: &self.scales[place * self.blocks * Panels::OUTPUTS..][..self.blocks * Panels::OUTPUTS],
        }
    }
}
