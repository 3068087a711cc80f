use std::borrow::Cow;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use rayon::prelude::*;

/// A network's weights in the precision that they are kept in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Numbers<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    Bf16(&'a [bf16]),
}

/// Numbers that are widened at a time.
const PART: usize = 1 << 16;

impl<'a> Numbers<'a> {
    pub fn len(&self) -> usize {
        match self {
            Self::F32(numbers) => numbers.len(),
            Self::F16(numbers) => numbers.len(),
            Self::Bf16(numbers) => numbers.len(),
        }
    }

    /// Some of them in single precision.
    pub fn widen(self, start: usize, to: &mut [f32]) {
        let range = start..start + to.len();
        match self {
            Self::F32(numbers) => to.copy_from_slice(&numbers[range]),
            Self::F16(numbers) => numbers[range].convert_to_f32_slice(to),
            Self::Bf16(numbers) => numbers[range].convert_to_f32_slice(to),
        }
    }

    /// All in single precision.
    pub fn widened(self) -> Cow<'a, [f32]> {
        if let Self::F32(numbers) = self {
            return Cow::Borrowed(numbers);
        }
        let mut wide = vec![0.0; self.len()];
        wide.par_chunks_mut(PART).enumerate().for_each(|(i, part)| self.widen(PART * i, part));
        Cow::Owned(wide)
    }

    /// Those in bf16 by twos, if there is an even number of them and memory has them so.
    pub fn pairs(self) -> Option<&'a [f32]> {
        match self {
            Self::Bf16(numbers) => bytemuck::try_cast_slice(numbers).ok(),
            _ => None,
        }
    }
}
