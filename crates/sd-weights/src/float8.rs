//! Eight-bit floats (Micikevicius et al. 2022, "FP8 formats for deep learning", table 1), as safetensors and PyTorch have
//! them. Each is also a sixteen-bit float.

use half::f16;

/// Four bits of exponent and three of fraction, with one magnitude that is not finite: PyTorch's `float8_e4m3fn`.
pub(crate) fn e4m3(byte: u8) -> f32 {
    // The bias is 7 where sixteen bits have 15.
    const SCALE: f32 = 256.0;
    if byte & 0x7f == 0x7f {
        return f32::NAN;
    }
    let bits = u16::from(byte & 0x80) << 8 | u16::from(byte & 0x7f) << 7;
    f16::from_bits(bits).to_f32() * SCALE
}

/// Five bits of exponent and two of fraction: the upper half of sixteen bits.
pub(crate) fn e5m2(byte: u8) -> f32 {
    f16::from_bits(u16::from(byte) << 8).to_f32()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(-1)^sign · 2^(exponent − bias) · 1.fraction`, and `0.fraction` at the lowest exponent.
    fn by_definition(byte: u8, fraction_bits: u32, bias: i32) -> f64 {
        let (exponent, fraction) = (i32::from(byte & 0x7f) >> fraction_bits, byte & ((1 << fraction_bits) - 1));
        let fraction = f64::from(fraction) / f64::from(1 << fraction_bits);
        let magnitude = match exponent {
            0 => fraction * 2_f64.powi(1 - bias),
            _ => (1.0 + fraction) * 2_f64.powi(exponent - bias),
        };
        if byte & 0x80 == 0 { magnitude } else { -magnitude }
    }

    #[test]
    fn every_byte_has_the_value_of_its_definition() {
        for byte in 0..=255 {
            let found = f64::from(e4m3(byte));
            match byte & 0x7f {
                0x7f => assert!(found.is_nan(), "{byte:#x}"),
                _ => assert_eq!(found, by_definition(byte, 3, 7), "{byte:#x}"),
            }
            let found = f64::from(e5m2(byte));
            match byte & 0x7f {
                0x7c => assert!(found.is_infinite(), "{byte:#x}"),
                0x7d..=0x7f => assert!(found.is_nan(), "{byte:#x}"),
                _ => assert_eq!(found, by_definition(byte, 2, 15), "{byte:#x}"),
            }
        }
        assert_eq!((e4m3(0x7e), e5m2(0x7b)), (448.0, 57344.0));
    }

    #[test]
    fn every_value_fits_sixteen_bits() {
        for byte in 0..=255 {
            for found in [e4m3(byte), e5m2(byte)].into_iter().filter(|found| !found.is_nan()) {
                assert_eq!(f16::from_f32(found).to_f32(), found);
            }
        }
    }
}
