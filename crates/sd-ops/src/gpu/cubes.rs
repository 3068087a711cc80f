//! What several kernels do with cubes, which are groups of units that share memory.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

/// As many cubes as there are rows, or a few more: a driver may take at most 65535 along an axis.
pub fn rows_of_cubes(rows: usize) -> CubeCount {
    let across = rows.clamp(1, 32_768);
    CubeCount::Static(across as u32, rows.div_ceil(across) as u32, 1)
}

/// The sum of what each unit of a cube has, of which there are a power of two.
#[cube]
pub fn sum(number: f32, shared: &mut Shared<[f32]>, #[comptime] units: usize) -> f32 {
    together(number, shared, units, true)
}

/// The largest of what each unit of a cube has, of which there are a power of two.
#[cube]
pub fn most(number: f32, shared: &mut Shared<[f32]>, #[comptime] units: usize) -> f32 {
    together(number, shared, units, false)
}

#[cube]
fn together(number: f32, shared: &mut Shared<[f32]>, #[comptime] units: usize, #[comptime] is_sum: bool) -> f32 {
    let unit = UNIT_POS_X as usize;
    // Some may still read the last result.
    sync_cube();
    shared[unit] = number;
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
