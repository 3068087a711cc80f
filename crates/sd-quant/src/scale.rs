use half::f16;

/// Returns the half-precision number at byte `at` of a block. It has to be finite.
///
/// Moved to the bits of single precision, its exponent is short of the difference of the two biases, 112; a product makes up for
/// it, also for subnormal numbers. Unlike `half`'s conversion, this needs no test of the processor for each block.
#[inline(always)]
pub(crate) fn scale(block: &[u8], at: usize) -> f32 {
    let bits = u32::from(u16::from_le_bytes([block[at], block[at + 1]]));
    let two_to_112 = f32::from_bits((112 + 127) << 23);
    let magnitude = f32::from_bits((bits & 0x7fff) << 13) * two_to_112;
    f32::from_bits(magnitude.to_bits() | (bits & 0x8000) << 16)
}

/// Writes a number in half precision to byte `at` of a block, and returns it.
pub(crate) fn put_scale(block: &mut [u8], at: usize, value: f32) -> f32 {
    let rounded = f16::from_f32(value);
    block[at..at + 2].copy_from_slice(&rounded.to_le_bytes());
    rounded.to_f32()
}

/// Whether the half-precision number at byte `at` of a block is finite.
pub(crate) fn is_finite(block: &[u8], at: usize) -> bool {
    f16::from_le_bytes([block[at], block[at + 1]]).is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_half_is_read() {
        for bits in 0..=u16::MAX {
            let expected = f16::from_bits(bits);
            if expected.is_finite() {
                assert_eq!(scale(&bits.to_le_bytes(), 0).to_bits(), expected.to_f32().to_bits(), "{bits:#x}");
            }
        }
    }
}
