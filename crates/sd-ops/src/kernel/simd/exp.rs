//! Constants of the exponential functions.

/// Coefficients of `(e^r - 1 - r) / r²` for `|r| <= ln 2 / 2`, from the highest power: 1/7!, 1/6!, ….
pub(super) const EXP: [f32; 6] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];
/// The leading bits of `ln 2`, whose product with any exponent is exact, and the rest.
pub(super) const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// Coefficients of `(2^r - 1) / r` for `|r| <= 1/2`, from the highest power, by interpolation at Chebyshev points. The error
/// is 9e-9.
pub(super) const EXP2: [f32; 6] =
    [1.546_144_8e-4, 1.339_086_7e-3, 9.618_057e-3, 5.550_357e-2, 2.402_265e-1, std::f32::consts::LN_2];
/// The range of `x` in which `2^x` is finite and normal.
pub(super) const EXP2_RANGE: [f32; 2] = [-126.0, 127.0];
/// The range of `x` in which `e^x` is finite and normal.
pub(super) const EXP_RANGE: [f32; 2] = [-87.0, 88.0];
