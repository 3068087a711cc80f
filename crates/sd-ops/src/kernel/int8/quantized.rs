use rayon::prelude::*;

use crate::kernel::aligned::aligned;
use crate::kernel::gemm::Matrix;
use crate::kernel::simd::{DotIsa, DotJob, Dots};

/// Values of a block.
pub(super) const BLOCK: usize = 32;
/// Rows of a piece of work.
const ROWS: usize = 16;
/// Added to a number below 2²², it leaves the nearest integer in the lowest bits, and of two as near the even one.
const TO_INTEGER: f32 = 1.5 * (1 << 23) as f32;

/// Rows in blocks of 32 integers of 8 bits and a scale.
pub(super) struct Quantized<'a> {
    pub count: usize,
    /// `[rows, inputs]`, from −127 to 127.
    pub values: &'a [i8],
    /// `[rows, blocks]`
    pub scales: &'a [f32],
    /// What sums of products with unsigned weights begin with, `[rows, blocks]`: −128 times the sum of a block's values.
    pub starts: &'a [i32],
}

impl<'a> Quantized<'a> {
    /// Rounds the rows of several matrices, which all have the same whole number of blocks.
    pub fn new(dots: DotIsa, x: &[Matrix], memory: &'a mut Vec<f32>) -> Self {
        let count = x.iter().map(|x| x.sizes[0]).sum::<usize>();
        let inputs = x.first().map_or(0, |x| x.sizes[1]);
        let (words, blocks) = (inputs / 4, inputs / BLOCK);
        let (values, numbers) = aligned(memory, count * (words + 2 * blocks)).split_at_mut(count * words);
        let (scales, starts) = numbers.split_at_mut(count * blocks);
        let (values, starts): (&mut [i8], &mut [i32]) =
            (bytemuck::cast_slice_mut(values), bytemuck::cast_slice_mut(starts));
        let (mut rest, mut rest_scales, mut rest_starts) = (&mut *values, &mut *scales, &mut *starts);
        for x in x {
            let rows = x.sizes[0];
            let (here, others) = rest.split_at_mut(rows * inputs);
            let (here_scales, others_scales) = rest_scales.split_at_mut(rows * blocks);
            let (here_starts, others_starts) = rest_starts.split_at_mut(rows * blocks);
            let scales = here_scales.par_chunks_mut((ROWS * blocks).max(1));
            let numbers = scales.zip(here_starts.par_chunks_mut((ROWS * blocks).max(1)));
            let pieces = here.par_chunks_mut((ROWS * inputs).max(1)).zip(numbers);
            pieces.enumerate().for_each(|(i, (values, (scales, starts)))| {
                dots.run(Round { x, first: ROWS * i, values, scales, starts });
            });
            (rest, rest_scales, rest_starts) = (others, others_scales, others_starts);
        }
        Self { count, values, scales, starts }
    }
}

/// Rounds some rows of a matrix.
struct Round<'a> {
    x: &'a Matrix<'a>,
    first: usize,
    values: &'a mut [i8],
    scales: &'a mut [f32],
    starts: &'a mut [i32],
}

impl DotJob for Round<'_> {
    #[inline(always)]
    fn run<D: Dots>(self) {
        let (inputs, mut memory) = (self.x.sizes[1], Vec::new());
        let (rows, blocks) = (self.values.len() / inputs, inputs / BLOCK);
        let (lines, apart) = self.x.lines::<D::Floats>(self.first..self.first + rows, 0..inputs, &mut memory);
        for row in 0..rows {
            let (from, _) = lines[row * apart..][..inputs].as_chunks::<BLOCK>();
            let (to, _) = self.values[row * inputs..][..inputs].as_chunks_mut::<BLOCK>();
            let scales = &mut self.scales[row * blocks..][..blocks];
            let starts = &mut self.starts[row * blocks..][..blocks];
            for block in 0..blocks {
                scales[block] = round(&from[block], &mut to[block]);
                if D::UNSIGNED {
                    starts[block] = -128 * to[block].iter().map(|value| i32::from(*value)).sum::<i32>();
                }
            }
        }
    }
}

/// Rounds a block, and returns its scale. Of values that are not finite the scale is not finite either.
#[inline(always)]
fn round(from: &[f32; BLOCK], to: &mut [i8; BLOCK]) -> f32 {
    // Magnitudes are in the order of their bits, and NaN is above them.
    let largest = from.iter().fold(0, |most, value| most.max(value.to_bits() & 0x7fff_ffff));
    let scale = f32::from_bits(largest) / 127.0;
    let inverse = if scale >= f32::MIN_POSITIVE { 1.0 / scale } else { 0.0 };
    for (to, value) in to.iter_mut().zip(from) {
        *to = (value * inverse + TO_INTEGER).to_bits() as i8;
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_rounded_to_the_nearest_of_127_steps() {
        let values: [f32; BLOCK] = std::array::from_fn(|i| ((i * i) as f32 * 0.37).sin() * 3.0);
        let mut rounded = [0; BLOCK];
        let scale = round(&values, &mut rounded);
        assert_eq!(scale, values.iter().fold(0.0_f32, |most, x| most.max(x.abs())) / 127.0);
        for (x, rounded) in values.into_iter().zip(rounded) {
            assert!((f64::from(x) / f64::from(scale) - f64::from(rounded)).abs() <= 0.5 + 1e-5, "{x}: {rounded}");
        }
        assert!(rounded.iter().any(|x| x.unsigned_abs() == 127) && !rounded.contains(&-128));
        // Ties go to the even integer.
        let mut ties = [0.0; BLOCK];
        ties[..6].copy_from_slice(&[127.0, 0.5, 1.5, -0.5, -1.5, -127.0]);
        assert_eq!(round(&ties, &mut rounded), 1.0);
        assert_eq!(rounded[..6], [127, 0, 2, 0, -2, -127]);
    }

    #[test]
    fn the_smallest_and_the_largest_values_have_a_scale() {
        let mut rounded = [1; BLOCK];
        assert_eq!((round(&[0.0; BLOCK], &mut rounded), rounded), (0.0, [0; BLOCK]));
        assert!(round(&[1e-40; BLOCK], &mut rounded) < 1e-41 && rounded == [0; BLOCK]);
        assert!(round(&[-f32::MAX; BLOCK], &mut rounded).is_finite() && rounded == [-127; BLOCK]);
        for value in [f32::NAN, f32::INFINITY] {
            let mut values = [1.0; BLOCK];
            values[7] = value;
            assert!(!round(&values, &mut rounded).is_finite());
        }
    }
}
