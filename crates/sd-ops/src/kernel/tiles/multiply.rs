#![expect(unsafe_code, reason = "loads and stores of tiles, whose bounds are the caller's promise")]

use super::{EDGE, LANES, PAIR, Tiles};

/// Where a product's sums are, or shall be.
#[derive(Clone, Copy)]
pub(in crate::kernel) enum Sums {
    /// Nowhere: they are zero.
    Zero,
    /// In rows that are so many lanes apart; zero, if all rows are the same one.
    At(*const f32, usize),
}

/// Multiplies one or two rows of tiles with two columns of tiles, and writes their sums to `to`, in rows of 32 that are
/// `to_row` apart.
///
/// `a` has `steps` tiles, and those of the second row `second` lanes further. `b` is a panel: it has sixteen rows of two tiles,
/// side by side, for each step. A step loads four tiles for four products, which take sixteen cycles each. So the left tiles
/// should be in the L1 cache: the L2 cache has the bandwidth for half the loads.
///
/// # Safety
///
/// Those tiles can be read, and sums of sixteen rows, or of 32 if `TALL`, read and written.
#[inline(always)]
pub(in crate::kernel) unsafe fn multiply<T: Tiles, const TALL: bool>(
    tiles: &mut T,
    [a, b]: [*const f32; 2],
    second: usize,
    steps: usize,
    sums: Sums,
    (to, to_row): (*mut f32, usize),
) {
    // SAFETY: the caller's promise.
    unsafe {
        match sums {
            Sums::Zero => {
                tiles.zero::<0>();
                tiles.zero::<1>();
                if TALL {
                    tiles.zero::<2>();
                    tiles.zero::<3>();
                }
            }
            Sums::At(from, row) => {
                tiles.load::<0>(from, row);
                tiles.load::<1>(from.add(EDGE), row);
                if TALL {
                    tiles.load::<2>(from.add(EDGE * row), row);
                    tiles.load::<3>(from.add(EDGE * row + EDGE), row);
                }
            }
        }
        for step in 0..steps {
            let (a, b) = (a.add(LANES * step), b.add(EDGE * PAIR * step));
            tiles.load::<4>(a, EDGE);
            tiles.load::<6>(b, PAIR);
            tiles.load::<7>(b.add(EDGE), PAIR);
            tiles.dot::<0, 4, 6>();
            tiles.dot::<1, 4, 7>();
            if TALL {
                tiles.load::<5>(a.add(second), EDGE);
                tiles.dot::<2, 5, 6>();
                tiles.dot::<3, 5, 7>();
            }
        }
        tiles.store::<0>(to, to_row);
        tiles.store::<1>(to.add(EDGE), to_row);
        if TALL {
            tiles.store::<2>(to.add(EDGE * to_row), to_row);
            tiles.store::<3>(to.add(EDGE * to_row + EDGE), to_row);
        }
    }
}
