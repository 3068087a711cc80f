#![expect(unsafe_code, reason = "vectors are stored to arrays of sixteen and loaded from them")]

use half::bf16;

/// A vector of `LANES` values.
///
/// The methods of `Avx2`, `Avx512` and `Neon` need a processor that has these instructions. `Isa::run` makes sure of that.
pub(crate) trait Vector: Copy {
    /// The number of values in a vector.
    const LANES: usize;

    /// Returns a vector with `value` in every lane.
    fn splat(value: f32) -> Self;

    /// # Safety
    ///
    /// `LANES` values from `from` can be read.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    ///
    /// `LANES` values from `to` can be written.
    unsafe fn store(self, to: *mut f32);

    /// Asks for the cache line of this address ahead of its use. The address may be any.
    #[inline(always)]
    fn prefetch(_from: *const f32) {}

    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;

    /// Returns the larger value of each lane; `other`'s if one of them is NaN.
    fn max(self, other: Self) -> Self;

    /// Returns `self · factor + term`.
    fn mul_add(self, factor: Self, term: Self) -> Self;

    /// Returns `below` in the lanes where `self` is negative, and `other` in the rest.
    fn where_negative(self, below: Self, other: Self) -> Self;

    /// Returns `e` to the power of each lane, with a relative error below 2e-7 from −87 to 88. Other powers are clamped to
    /// that range. NaN stays NaN.
    fn exp(self) -> Self;

    /// Returns 2 to the power of each lane, with a relative error below 2e-7 from −126 to 126. Lower powers are clamped to
    /// −126. NaN stays NaN.
    fn exp2(self) -> Self;

    /// Returns the sum of the lanes.
    fn sum(self) -> f32;

    /// Returns the values of `self` and then those of `other`, rounded to bf16, two in each lane.
    #[inline(always)]
    fn narrow(self, other: Self) -> Self {
        let [first, second] = [self.lanes(), other.lanes()];
        let value = |i: usize| if i < Self::LANES { first[i] } else { second[i - Self::LANES] };
        Self::from_lanes(std::array::from_fn(|i| {
            if i < Self::LANES { to_pair(value(2 * i), value(2 * i + 1)) } else { 0.0 }
        }))
    }

    /// Returns each lane's value of `self` and that of `other`, rounded to bf16, in one lane.
    #[inline(always)]
    fn pair(self, other: Self) -> Self {
        let [low, high] = [self.lanes(), other.lanes()];
        Self::from_lanes(std::array::from_fn(|i| to_pair(low[i], high[i])))
    }

    /// Adds to `sum` in each lane the products of the two values of `self` with those of `other`.
    #[inline(always)]
    fn dot(self, other: Self, sum: Self) -> Self {
        let [a, b, sum] = [self.lanes(), other.lanes(), sum.lanes()];
        Self::from_lanes(std::array::from_fn(|i| {
            let ([a_low, a_high], [b_low, b_high]) = (from_pair(a[i]), from_pair(b[i]));
            sum[i] + a_low * b_low + a_high * b_high
        }))
    }

    /// Returns the lanes, padded with zeros.
    #[inline(always)]
    fn lanes(self) -> [f32; 16] {
        let mut lanes = [0.0; 16];
        // SAFETY: a vector has at most sixteen lanes.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes
    }

    /// Loads the first `LANES` of these values.
    #[inline(always)]
    fn from_lanes(lanes: [f32; 16]) -> Self {
        // SAFETY: as above.
        unsafe { Self::load(lanes.as_ptr()) }
    }

    /// Returns the largest lane.
    fn largest(self) -> f32;

    /// Transposes `LANES` rows of `LANES` values. The rows are `apart` values apart in `from` and `apart_to` in `to`.
    ///
    /// # Safety
    ///
    /// Those rows can be read from `from` and written to `to`, and the two do not overlap.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, apart: usize, to: *mut f32, apart_to: usize) {
        for row in 0..Self::LANES {
            for column in 0..Self::LANES {
                // SAFETY: both are within the rows of the caller's promise.
                unsafe { *to.add(column * apart_to + row) = *from.add(row * apart + column) };
            }
        }
    }

    /// Loads four values from each of `LANES` places: a vector of the first ones, one of the second ones, and so on.
    ///
    /// # Safety
    ///
    /// `from` has `LANES` places, and four values can be read from each.
    #[inline(always)]
    unsafe fn load_fours(from: &[*const f32]) -> [Self; 4] {
        let mut lanes = [[0.0; 16]; 4];
        for lane in 0..Self::LANES {
            for i in 0..4 {
                // SAFETY: the caller's promise.
                lanes[i][lane] = unsafe { *from.get_unchecked(lane).add(i) };
            }
        }
        // SAFETY: a vector has at most sixteen lanes.
        lanes.map(|lanes| unsafe { Self::load(lanes.as_ptr()) })
    }

    /// Stores the vectors of [`load_fours`](Self::load_fours) to as many places.
    ///
    /// # Safety
    ///
    /// `to` has `LANES` places, and four values can be written to each.
    #[inline(always)]
    unsafe fn store_fours(fours: [Self; 4], to: &[*mut f32]) {
        let mut lanes = [[0.0; 16]; 4];
        for i in 0..4 {
            // SAFETY: a vector has at most sixteen lanes.
            unsafe { fours[i].store(lanes[i].as_mut_ptr()) };
        }
        for lane in 0..Self::LANES {
            for i in 0..4 {
                // SAFETY: the caller's promise.
                unsafe { *to.get_unchecked(lane).add(i) = lanes[i][lane] };
            }
        }
    }
}

/// Rounds two values to bf16 and returns them as one lane.
fn to_pair(low: f32, high: f32) -> f32 {
    let [low, high] = [low, high].map(|value| u32::from(bf16::from_f32(value).to_bits()));
    f32::from_bits(high << 16 | low)
}

/// Returns the two values of a lane.
fn from_pair(lane: f32) -> [f32; 2] {
    [lane.to_bits() << 16, lane.to_bits() & 0xffff_0000].map(f32::from_bits)
}
