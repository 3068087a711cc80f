#![expect(unsafe_code, reason = "loads and stores of whole tiles")]

use half::bf16;

use super::model::Model;
use super::{EDGE, LANES, TERMS, Tiles, copy_line, narrow_line};
use crate::kernel::simd::{Isa, Job, TileIsa, TileJob, Vector};
use crate::kernel::tests::{isas, values};

/// Loads two tiles and sums, adds the product of the former to the latter, and stores it.
struct Dot<'a> {
    left: &'a [f32],
    right: &'a [f32],
    sums: &'a mut [f32],
}

impl TileJob for Dot<'_> {
    #[inline(always)]
    fn run<V: Vector, T: Tiles>(self, tiles: &mut T) {
        assert!([self.left.len(), self.right.len(), self.sums.len()] == [LANES; 3]);
        // SAFETY: each has the lanes of a tile.
        unsafe {
            tiles.load::<5>(self.left.as_ptr(), EDGE);
            tiles.load::<7>(self.right.as_ptr(), EDGE);
            tiles.load::<2>(self.sums.as_ptr(), EDGE);
            tiles.dot::<2, 5, 7>();
            tiles.store::<2>(self.sums.as_mut_ptr(), EDGE);
        }
    }
}

/// Returns values of bf16, and the lanes of their pairs.
fn pairs(count: usize, seed: u64) -> (Vec<f32>, Vec<f32>) {
    let halves: Vec<bf16> = values(count, seed).into_iter().map(bf16::from_f32).collect();
    let pair = |pair: &[bf16]| f32::from_bits(u32::from(pair[1].to_bits()) << 16 | u32::from(pair[0].to_bits()));
    (halves.iter().map(|x| x.to_f32()).collect(), halves.chunks_exact(2).map(pair).collect())
}

fn check_product(isa: TileIsa) {
    // Row by row: [16 rows, 32 terms], and [16 pairs of terms, 16 columns, 2 terms].
    let ((left, left_pairs), (right, right_pairs)) = (pairs(2 * LANES, 1), pairs(2 * LANES, 2));
    let before = values(LANES, 3);
    let mut found = before.clone();
    isa.run(Dot { left: &left_pairs, right: &right_pairs, sums: &mut found });
    for (at, (found, before)) in found.into_iter().zip(before).enumerate() {
        let (row, column) = (at / EDGE, at % EDGE);
        let product =
            |k: usize| f64::from(left[row * TERMS + k]) * f64::from(right[k / 2 * TERMS + 2 * column + k % 2]);
        let sum = f64::from(before) + (0..TERMS).map(product).sum::<f64>();
        assert!((f64::from(found) - sum).abs() < 2e-6, "{isa:?}, {row}, {column}: {found}, not {sum}");
    }
}

#[test]
fn the_model_multiplies_as_the_definition_says() {
    check_product(TileIsa::Model);
}

/// Without tiles in the processor, this checks nothing.
#[test]
fn tiles_of_the_processor_if_it_has_any_multiply_as_the_definition_says() {
    Isa::all().into_iter().filter_map(Isa::tiles).for_each(check_product);
}

#[test]
fn a_tile_starts_as_nothing_and_zero_clears_it() {
    let mut tiles = Model::new();
    let mut found = [1.0; LANES];
    // SAFETY: the lanes of a tile.
    unsafe { tiles.store::<3>(found.as_mut_ptr(), EDGE) };
    assert!(found.iter().all(|x| x.is_nan()));
    tiles.zero::<3>();
    // SAFETY: as above.
    unsafe { tiles.store::<3>(found.as_mut_ptr(), EDGE) };
    assert!(found == [0.0; LANES]);
}

struct Narrow<'a>(&'a [f32], &'a mut [f32]);

impl Job for Narrow<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        narrow_line::<V>(self.0, 3, self.1);
    }
}

#[test]
fn a_line_of_any_length_is_a_row_of_tiles_with_zeros_behind_it() {
    for length in [0, 1, 2, 31, 32, 33, 64, 95] {
        let (line, _) = pairs(length + length % 2, 4);
        let (line, halves) = (&line[..length], line[..length].iter().map(|&x| bf16::from_f32(x)).collect::<Vec<_>>());
        let tiles = length.div_ceil(TERMS);
        let mut expected = vec![bf16::ONE; 2 * LANES * tiles];
        for (k, to) in (0..TERMS * tiles).map(|k| (k, k / TERMS * 2 * LANES + 3 * TERMS + k % TERMS)) {
            expected[to] = halves.get(k).copied().unwrap_or(bf16::ZERO);
        }
        let all_ones = vec![f32::from_bits(0x3f80_3f80); LANES * tiles];
        for isa in isas().into_iter().filter(|isa| isa.has_pairs()) {
            let mut found = all_ones.clone();
            isa.run(Narrow(line, &mut found));
            assert!(bytemuck::cast_slice::<f32, bf16>(&found) == expected, "{isa:?}, {length}");
        }
        let mut found = all_ones;
        copy_line(&halves, 3, &mut found);
        assert!(bytemuck::cast_slice::<f32, bf16>(&found) == expected, "copied, {length}");
    }
}
