//! Blocks of 32 weights. The first 16 have the lower four bits of the bytes, the others the upper ones.

use crate::scale::scale;

#[inline(always)]
pub(crate) fn q8_0(block: &[u8], to: &mut [f32]) {
    let (block, to) = (fixed::<34, _>(block), fixed_mut::<32>(to));
    let d = scale(block, 0);
    for i in 0..32 {
        to[i] = f32::from(block[2 + i] as i8) * d;
    }
}

#[inline(always)]
pub(crate) fn q4_0(block: &[u8], to: &mut [f32]) {
    let (block, to) = (fixed::<18, _>(block), fixed_mut::<32>(to));
    let d = scale(block, 0);
    for i in 0..16 {
        let byte = block[2 + i];
        to[i] = f32::from((byte & 15) as i8 - 8) * d;
        to[16 + i] = f32::from((byte >> 4) as i8 - 8) * d;
    }
}

#[inline(always)]
pub(crate) fn q4_1(block: &[u8], to: &mut [f32]) {
    let (block, to) = (fixed::<20, _>(block), fixed_mut::<32>(to));
    let (d, m) = (scale(block, 0), scale(block, 2));
    for i in 0..16 {
        let byte = block[4 + i];
        to[i] = f32::from(byte & 15) * d + m;
        to[16 + i] = f32::from(byte >> 4) * d + m;
    }
}

#[inline(always)]
pub(crate) fn q5_0(block: &[u8], to: &mut [f32]) {
    let (block, to) = (fixed::<22, _>(block), fixed_mut::<32>(to));
    let (d, fifth) = (scale(block, 0), fifth_bits(block, 2));
    for i in 0..16 {
        let byte = block[6 + i];
        to[i] = f32::from((byte & 15 | fifth(i)) as i8 - 16) * d;
        to[16 + i] = f32::from((byte >> 4 | fifth(16 + i)) as i8 - 16) * d;
    }
}

#[inline(always)]
pub(crate) fn q5_1(block: &[u8], to: &mut [f32]) {
    let (block, to) = (fixed::<24, _>(block), fixed_mut::<32>(to));
    let (d, m, fifth) = (scale(block, 0), scale(block, 2), fifth_bits(block, 4));
    for i in 0..16 {
        let byte = block[8 + i];
        to[i] = f32::from(byte & 15 | fifth(i)) * d + m;
        to[16 + i] = f32::from(byte >> 4 | fifth(16 + i)) * d + m;
    }
}

/// The fifth bits of 32 integers, which lie in four bytes.
#[inline(always)]
fn fifth_bits(block: &[u8], at: usize) -> impl Fn(usize) -> u8 {
    let bits = u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
    move |i| ((bits >> i & 1) as u8) << 4
}

/// Returns a slice as an array, so that compilers know its length.
#[inline(always)]
pub(crate) fn fixed<const N: usize, T>(slice: &[T]) -> &[T; N] {
    slice.try_into().expect("a whole block")
}

#[inline(always)]
pub(crate) fn fixed_mut<const N: usize>(slice: &mut [f32]) -> &mut [f32; N] {
    slice.try_into().expect("the values of a block")
}
