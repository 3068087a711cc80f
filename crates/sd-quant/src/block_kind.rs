use std::fmt;

use crate::scale::is_finite;
use crate::{quantize, quantize_super, widen, widen_super};

/// A layout of blocks. The names are those of GGUF: the bits of a weight, and how a block's scales lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(non_camel_case_types, reason = "the names of the format, in which 8_0 is not 80")]
pub enum BlockKind {
    /// 32 integers of 4 bits and a scale.
    Q4_0,
    /// 32 integers of 4 bits, a scale and a minimum.
    Q4_1,
    /// 32 integers of 5 bits and a scale.
    Q5_0,
    /// 32 integers of 5 bits, a scale and a minimum.
    Q5_1,
    /// 32 integers of 8 bits and a scale.
    Q8_0,
    /// 256 integers of 4 bits; each 32 have a scale and a minimum of 6 bits, which have a scale each.
    Q4_K,
    /// The same with integers of 5 bits.
    Q5_K,
    /// 256 integers of 6 bits; each 16 have a scale of 8 bits, and these a scale.
    Q6_K,
}

impl BlockKind {
    /// All kinds.
    pub const ALL: [Self; 8] =
        [Self::Q4_0, Self::Q4_1, Self::Q5_0, Self::Q5_1, Self::Q8_0, Self::Q4_K, Self::Q5_K, Self::Q6_K];

    /// The number of weights of a block.
    #[inline(always)]
    pub fn values(self) -> usize {
        match self {
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4_K | Self::Q5_K | Self::Q6_K => 256,
        }
    }

    /// The number of bytes of a block; no two kinds have the same.
    #[inline(always)]
    pub fn bytes(self) -> usize {
        match self {
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q4_K => 144,
            Self::Q5_K => 176,
            Self::Q6_K => 210,
        }
    }

    /// Returns the kind whose blocks have so many bytes.
    pub fn of_bytes(bytes: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.bytes() == bytes)
    }

    /// The name in lower case, as in `--quantize q8_0`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Q4_0 => "q4_0",
            Self::Q4_1 => "q4_1",
            Self::Q5_0 => "q5_0",
            Self::Q5_1 => "q5_1",
            Self::Q8_0 => "q8_0",
            Self::Q4_K => "q4_k",
            Self::Q5_K => "q5_k",
            Self::Q6_K => "q6_k",
        }
    }

    /// Writes the weights of one block in single precision.
    ///
    /// # Panics
    ///
    /// Panics unless `block` has [`bytes`](Self::bytes) and `to` [`values`](Self::values).
    pub fn widen(self, block: &[u8], to: &mut [f32]) {
        assert_eq!(to.len(), self.values(), "the weights of a block of {self}");
        to.chunks_exact_mut(32).enumerate().for_each(|(group, to)| self.widen_group(block, group, to));
    }

    /// Writes 32 weights of a block, which has one such group or eight.
    #[inline(always)]
    pub(crate) fn widen_group(self, block: &[u8], group: usize, to: &mut [f32]) {
        match self {
            Self::Q4_0 => widen::q4_0(block, to),
            Self::Q4_1 => widen::q4_1(block, to),
            Self::Q5_0 => widen::q5_0(block, to),
            Self::Q5_1 => widen::q5_1(block, to),
            Self::Q8_0 => widen::q8_0(block, to),
            Self::Q4_K => widen_super::q4_k(block, group, to),
            Self::Q5_K => widen_super::q5_k(block, group, to),
            Self::Q6_K => widen_super::q6_k(block, group, to),
        }
    }

    /// Whether the scales of a block are finite. Then all of its weights are.
    pub fn is_finite(self, block: &[u8]) -> bool {
        match self {
            Self::Q4_0 | Self::Q5_0 | Self::Q8_0 => is_finite(block, 0),
            Self::Q4_1 | Self::Q5_1 | Self::Q4_K | Self::Q5_K => is_finite(block, 0) && is_finite(block, 2),
            Self::Q6_K => is_finite(block, 208),
        }
    }

    /// Whether blocks of this kind are written: of 4 and 8 bits those with the usual names.
    pub fn is_written(self) -> bool {
        matches!(self, Self::Q8_0 | Self::Q4_0 | Self::Q4_K)
    }

    /// Returns the blocks of weights, each of which is rounded to the nearest of its block's numbers; `None` for a kind that is
    /// [not written](Self::is_written).
    ///
    /// A scale too large for half precision becomes infinite.
    ///
    /// # Panics
    ///
    /// Panics unless the number of values is a multiple of [`values`](Self::values).
    pub fn quantize(self, values: &[f32]) -> Option<Vec<u8>> {
        assert!(values.len().is_multiple_of(self.values()), "{} weights do not fill blocks of {self}", values.len());
        let block: fn(&[f32], &mut [u8]) = match self {
            Self::Q8_0 => quantize::q8_0,
            Self::Q4_0 => quantize::q4_0,
            Self::Q4_K => quantize_super::q4_k,
            _ => return None,
        };
        let mut blocks = vec![0; values.len() / self.values() * self.bytes()];
        for (values, to) in values.chunks_exact(self.values()).zip(blocks.chunks_exact_mut(self.bytes())) {
            block(values, to);
        }
        Some(blocks)
    }
}

impl fmt::Display for BlockKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_a_block_tell_its_kind() {
        for kind in BlockKind::ALL {
            assert_eq!(BlockKind::of_bytes(kind.bytes()), Some(kind));
        }
        assert_eq!(BlockKind::of_bytes(32), None);
    }

    #[test]
    fn scales_that_are_not_finite_are_found() {
        for kind in BlockKind::ALL {
            let mut block = vec![0; kind.bytes()];
            assert!(kind.is_finite(&block), "{kind}");
            let at = if kind == BlockKind::Q6_K { 209 } else { 1 };
            block[at] = 0x7c;
            assert!(!kind.is_finite(&block), "{kind}");
        }
    }
}
