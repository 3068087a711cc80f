//! Blocks of 256 weights, in groups of 32 with scales of their own.

use crate::scale::scale;
use crate::widen::{fixed, fixed_mut};

#[inline(always)]
pub(crate) fn q4_k(block: &[u8], group: usize, to: &mut [f32]) {
    let (block, to) = (fixed::<144, _>(block), fixed_mut::<32>(to));
    let [factor, minimum] = factors(block, group);
    let (bytes, shift) = (fixed::<32, _>(&block[16 + group / 2 * 32..][..32]), group % 2 * 4);
    for i in 0..32 {
        to[i] = factor * f32::from(bytes[i] >> shift & 15) - minimum;
    }
}

#[inline(always)]
pub(crate) fn q5_k(block: &[u8], group: usize, to: &mut [f32]) {
    let (block, to) = (fixed::<176, _>(block), fixed_mut::<32>(to));
    let [factor, minimum] = factors(block, group);
    let (bytes, fifth) = (fixed::<32, _>(&block[48 + group / 2 * 32..][..32]), fixed::<32, _>(&block[16..48]));
    for i in 0..32 {
        let value = bytes[i] >> (group % 2 * 4) & 15 | (fifth[i] >> group & 1) << 4;
        to[i] = factor * f32::from(value) - minimum;
    }
}

#[inline(always)]
pub(crate) fn q6_k(block: &[u8], group: usize, to: &mut [f32]) {
    let (block, to) = (fixed::<210, _>(block), fixed_mut::<32>(to));
    // Four groups share the bytes of their low bits in twos, and those of their high bits.
    let (half, place) = (group / 4, group % 4);
    let low = fixed::<32, _>(&block[64 * half + place % 2 * 32..][..32]);
    let high = fixed::<32, _>(&block[128 + 32 * half..][..32]);
    let d = scale(block, 208);
    let factors = [0, 1].map(|part| d * f32::from(block[192 + 2 * group + part] as i8));
    for i in 0..32 {
        let value = low[i] >> (place / 2 * 4) & 15 | (high[i] >> (2 * place) & 3) << 4;
        to[i] = factors[i / 16] * f32::from(value as i8 - 32);
    }
}

/// Returns what the integers of a group are multiplied by, and what is then subtracted.
#[inline(always)]
fn factors(block: &[u8], group: usize) -> [f32; 2] {
    let [factor, minimum] = group_scales(block, group);
    [scale(block, 0) * f32::from(factor), scale(block, 2) * f32::from(minimum)]
}

/// Returns scale and minimum of a group of 32, 6 bits each. Those of the last four groups are spread: their lower four bits
/// lie in the last four bytes, their upper two above those of the first four groups.
#[inline(always)]
fn group_scales(block: &[u8], group: usize) -> [u8; 2] {
    let bytes = &block[4..16];
    match group {
        0..4 => [bytes[group] & 63, bytes[4 + group] & 63],
        _ => [bytes[4 + group] & 15 | bytes[group - 4] >> 6 << 4, bytes[4 + group] >> 4 | bytes[group] >> 6 << 4],
    }
}
