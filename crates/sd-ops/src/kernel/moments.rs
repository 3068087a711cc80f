//! The two halves of a group norm: the moments of an image's groups, and its normalisation with given moments.

#![expect(unsafe_code, reason = "each group writes its own part of the output, whose length is asserted")]

use super::group_norm::{Channel, Groups};
use super::shared::Shared;
use super::simd::{Isa, Job, Vector, sum};

/// Returns the mean of each group of each image, and the sum of squared distances from it.
pub(crate) fn moments(isa: Isa, groups: &Groups, x: &[f32]) -> Vec<f32> {
    assert!(x.len() == groups.len(), "{groups:?}");
    let values = groups.channels * groups.pixels;
    let mut out = vec![[0.0; 2]; groups.batch * groups.groups];
    let to = Shared(out.as_mut_ptr());
    groups.each(|i| {
        // SAFETY: each group writes its own moments.
        let out = unsafe { &mut *to.part(i) };
        isa.run(Sums { x: &x[i * values..][..values], out });
    });
    out.into_flattened()
}

/// Returns the normalised values: in each channel of each image, `(x - mean)·factor + shift`, or its SiLU.
pub(crate) fn normalise(isa: Isa, groups: &Groups, x: &[f32], channels: [&[f32]; 3]) -> Vec<f32> {
    let count = groups.len();
    let channel_count = groups.batch * groups.groups * groups.channels;
    assert!(x.len() == count && channels.iter().all(|values| values.len() == channel_count), "{groups:?}");
    let mut out = Vec::with_capacity(count);
    let to = Shared(out.as_mut_ptr());
    groups.each(|i| {
        for c in i * groups.channels..(i + 1) * groups.channels {
            let start = c * groups.pixels;
            // SAFETY: each group writes its own channels.
            let out = unsafe { to.part(start) };
            let [mean, factor, shift] = channels.map(|values| values[c]);
            isa.run(Normalise { x: &x[start..][..groups.pixels], mean, factor, shift, silu: groups.silu, out });
        }
    });
    // SAFETY: all groups have written all of their values.
    unsafe { out.set_len(count) };
    out
}

struct Sums<'a> {
    x: &'a [f32],
    out: &'a mut [f32; 2],
}

impl Job for Sums<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let mean = sum::<V, false>(self.x, 0.0) / self.x.len().max(1) as f32;
        // Centred first: the sum of squares minus that of the mean would cancel.
        *self.out = [mean, sum::<V, true>(self.x, mean)];
    }
}

struct Normalise<'a> {
    x: &'a [f32],
    mean: f32,
    factor: f32,
    shift: f32,
    silu: bool,
    out: *mut f32,
}

impl Job for Normalise<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let [mean, factor, shift] = [self.mean, self.factor, self.shift].map(V::splat);
        let channel = Channel { mean, factor, shift, silu: self.silu };
        // SAFETY: `out` has as many values as `x`.
        unsafe { channel.normalise(self.x, self.out) };
    }
}
