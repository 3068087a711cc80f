//! Operations of several kernels on cubes, groups of units that share memory.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

/// Returns the count of cubes for so many rows. It may be a few more than rows: some drivers take at most 65535 along an
/// axis.
pub fn rows_of_cubes(rows: usize) -> CubeCount {
    let across = rows.clamp(1, 32_768);
    CubeCount::Static(across as u32, rows.div_ceil(across) as u32, 1)
}

/// Returns the sum of one value per unit. The number of units must be a power of two.
#[cube]
pub fn sum(value: f32, shared: &mut Shared<[f32]>, #[comptime] units: usize) -> f32 {
    together(value, shared, units, true)
}

/// Returns the largest of one value per unit. The number of units must be a power of two.
#[cube]
pub fn most(value: f32, shared: &mut Shared<[f32]>, #[comptime] units: usize) -> f32 {
    together(value, shared, units, false)
}

#[cube]
fn together(value: f32, shared: &mut Shared<[f32]>, #[comptime] units: usize, #[comptime] is_sum: bool) -> f32 {
    let unit = UNIT_POS_X as usize;
    // Some units may still read the previous result.
    sync_cube();
    shared[unit] = value;
    sync_cube();
    let mut half = (units / 2).runtime();
    while half > 0 {
        if unit < half {
            let other = shared[unit + half];
            if is_sum {
                shared[unit] += other;
            } else {
                shared[unit] = f32::max(shared[unit], other);
            }
        }
        sync_cube();
        half /= 2;
    }
    shared[0]
}
