#![expect(unsafe_code, reason = "vectors are stored to arrays of sixteen and loaded from them")]

use half::bf16;

/// A vector of values.
///
/// Every method of [`Avx2`], [`Avx512`] and [`Neon`] asks for a processor that has those: [`Isa::run`] is who knows.
pub(crate) trait Vector: Copy {
    /// Values in a vector.
    const LANES: usize;

    /// All lanes the same.
    fn splat(value: f32) -> Self;

    /// # Safety
    ///
    /// `LANES` values from `from` can be read.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    ///
    /// `LANES` values from `to` can be written.
    unsafe fn store(self, to: *mut f32);

    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;

    /// The larger of each two.
    fn max(self, other: Self) -> Self;

    /// `self · factor + term`.
    fn mul_add(self, factor: Self, term: Self) -> Self;

    /// `below` in the lanes where `self` is negative, and `other` in the rest.
    fn where_negative(self, below: Self, other: Self) -> Self;

    /// `e` to the power of each lane: relative error below 2e-7 from −87 to 88; beyond, the value there. What is not a
    /// number stays none.
    fn exp(self) -> Self;

    /// 2 to the power of each lane: relative error below 2e-7 from −126 to 126; below, the value at −126. What is not a
    /// number stays none.
    fn exp2(self) -> Self;

    /// The sum of the lanes.
    fn sum(self) -> f32;

    /// The values of `self` and then those of `other`, rounded, two in each lane.
    #[inline(always)]
    fn narrow(self, other: Self) -> Self {
        let [first, second] = [self.lanes(), other.lanes()];
        let number = |i: usize| if i < Self::LANES { first[i] } else { second[i - Self::LANES] };
        Self::from_lanes(std::array::from_fn(|i| {
            if i < Self::LANES { together(number(2 * i), number(2 * i + 1)) } else { 0.0 }
        }))
    }

    /// Each lane's number of `self` and that of `other`, rounded, in one lane.
    #[inline(always)]
    fn pair(self, other: Self) -> Self {
        let [low, high] = [self.lanes(), other.lanes()];
        Self::from_lanes(std::array::from_fn(|i| together(low[i], high[i])))
    }

    /// `sum` and the products of each lane's two values with those of `other`'s.
    #[inline(always)]
    fn dot(self, other: Self, sum: Self) -> Self {
        let [a, b, sum] = [self.lanes(), other.lanes(), sum.lanes()];
        Self::from_lanes(std::array::from_fn(|i| {
            let ([a_low, a_high], [b_low, b_high]) = (apart(a[i]), apart(b[i]));
            sum[i] + a_low * b_low + a_high * b_high
        }))
    }

    /// The lanes, and zeros.
    #[inline(always)]
    fn lanes(self) -> [f32; 16] {
        let mut lanes = [0.0; 16];
        // SAFETY: a vector has at most sixteen lanes.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes
    }

    /// As many of these as there are lanes.
    #[inline(always)]
    fn from_lanes(lanes: [f32; 16]) -> Self {
        // SAFETY: as above.
        unsafe { Self::load(lanes.as_ptr()) }
    }

    /// The largest lane.
    fn largest(self) -> f32;

    /// Rows to columns: `LANES` rows of `LANES` values, `apart` from each other, to rows that lie `apart_to`.
    ///
    /// # Safety
    ///
    /// Those rows can be read from `from` and written from `to`, which do not overlap.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, apart: usize, to: *mut f32, apart_to: usize) {
        for row in 0..Self::LANES {
            for column in 0..Self::LANES {
                // SAFETY: both are within the rows of the caller's promise.
                unsafe { *to.add(column * apart_to + row) = *from.add(row * apart + column) };
            }
        }
    }

    /// Four values from each of `LANES` places: a vector of the first of each, one of the second, and so on.
    ///
    /// # Safety
    ///
    /// There are so many places, from which four values each can be read.
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

    /// What [`load_fours`](Self::load_fours) has read, to as many places.
    ///
    /// # Safety
    ///
    /// There are so many places, to which four values each can be written.
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

/// Two values as one lane.
fn together(low: f32, high: f32) -> f32 {
    let [low, high] = [low, high].map(|number| u32::from(bf16::from_f32(number).to_bits()));
    f32::from_bits(high << 16 | low)
}

/// The two values of a lane.
fn apart(lane: f32) -> [f32; 2] {
    [lane.to_bits() << 16, lane.to_bits() & 0xffff_0000].map(f32::from_bits)
}
