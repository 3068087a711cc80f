use std::borrow::Cow;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;
use sd_quant::Blocks;

/// A slice of a network's weights as the checkpoint has them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WeightSlice<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    Bf16(&'a [bf16]),
    Blocks(Blocks<'a>),
}

/// Values that one piece of work widens.
const PART: usize = 1 << 16;

impl<'a> WeightSlice<'a> {
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F16(values) => values.len(),
            Self::Bf16(values) => values.len(),
            Self::Blocks(values) => values.len(),
        }
    }

    /// Returns the values from `start` on.
    pub fn skip(self, start: usize) -> Self {
        match self {
            Self::F32(values) => Self::F32(&values[start..]),
            Self::F16(values) => Self::F16(&values[start..]),
            Self::Bf16(values) => Self::Bf16(&values[start..]),
            Self::Blocks(values) => Self::Blocks(values.skip(start)),
        }
    }

    /// Writes the values from `start` on to `to`, in single precision.
    #[inline(always)]
    pub fn widen(self, start: usize, to: &mut [f32]) {
        let range = start..start + to.len();
        match self {
            Self::Blocks(values) => values.widen(start, to),
            Self::F32(values) => to.copy_from_slice(&values[range]),
            Self::F16(values) => values[range].convert_to_f32_slice(to),
            // A shift for each value, which compilers turn into vectors; `half` tests each for NaN.
            Self::Bf16(values) => {
                for (to, value) in to.iter_mut().zip(&values[range]) {
                    *to = f32::from_bits(u32::from(value.to_bits()) << 16);
                }
            }
        }
    }

    /// Returns all values in single precision.
    pub fn widened(self) -> Cow<'a, [f32]> {
        if let Self::F32(values) = self {
            return Cow::Borrowed(values);
        }
        let mut wide = vec![0.0; self.len()];
        wide.par_chunks_mut(PART).enumerate().for_each(|(i, part)| self.widen(PART * i, part));
        Cow::Owned(wide)
    }

    /// Returns weights in bf16 as pairs, if their number is even and the memory is aligned for pairs.
    pub fn pairs(self) -> Option<&'a [f32]> {
        match self {
            Self::Bf16(values) => bytemuck::try_cast_slice(values).ok(),
            _ => None,
        }
    }
}
