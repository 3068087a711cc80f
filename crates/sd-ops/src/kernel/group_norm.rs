//! Group norm and SiLU in one pass over memory, and their gradients in one.
//!
//! A group of channels of an image fits the L2 cache, so only the first pass over it reads memory.

#![expect(unsafe_code, reason = "vector loads and stores within slices whose lengths are asserted")]

use rayon::prelude::*;

use super::shared::Shared;
use super::simd::{Isa, Job, Vector, load_part, sigmoid, store_part, sum};

/// The input's sizes: `batch` images of `groups` groups of `channels` channels of `pixels` pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Groups {
    pub batch: usize,
    pub groups: usize,
    /// Channels of one group.
    pub channels: usize,
    pub pixels: usize,
    pub eps: f32,
    /// Whether a SiLU follows the norm.
    pub silu: bool,
}

impl Groups {
    pub fn len(&self) -> usize {
        self.batch * self.groups * self.channels * self.pixels
    }

    /// Runs `work` for each group of each image.
    pub fn each(&self, work: impl Fn(usize) + Sync + Send) {
        let count = self.batch * self.groups;
        // Handing a group to a thread takes as long as about a thousand values.
        let at_least = (16_384 / (self.channels * self.pixels).max(1)).max(1);
        if rayon::current_num_threads() == 1 || count <= at_least {
            (0..count).for_each(work);
        } else {
            (0..count).into_par_iter().with_min_len(at_least).for_each(work);
        }
    }
}

/// Returns the normalised values, and the mean and the reciprocal standard deviation of each group of each image.
pub(crate) fn forward(isa: Isa, groups: &Groups, x: &[f32], gamma: &[f32], beta: &[f32]) -> (Vec<f32>, Vec<[f32; 2]>) {
    let count = groups.len();
    assert!(x.len() == count && [gamma, beta].iter().all(|v| v.len() == groups.groups * groups.channels), "{groups:?}");
    let mut out = Vec::with_capacity(count);
    let mut statistics = vec![[0.0; 2]; groups.batch * groups.groups];
    let (to, statistics_to) = (Shared(out.as_mut_ptr()), Shared(statistics.as_mut_ptr()));
    let values = groups.channels * groups.pixels;
    groups.each(|i| {
        let x = &x[i * values..][..values];
        let first = i % groups.groups * groups.channels;
        let [gamma, beta] = [gamma, beta].map(|v| &v[first..][..groups.channels]);
        // SAFETY: each group writes its own part of both.
        let (out, statistics) = unsafe { (to.part(i * values), &mut *statistics_to.part(i)) };
        isa.run(Forward { groups, x, gamma, beta, out, statistics });
    });
    // SAFETY: all groups have written all of their values.
    unsafe { out.set_len(count) };
    (out, statistics)
}

/// Returns the gradients of `x`, `gamma` and `beta`.
pub(crate) fn backward(
    isa: Isa,
    groups: &Groups,
    x: &[f32],
    [gamma, beta]: [&[f32]; 2],
    statistics: &[[f32; 2]],
    gradient: &[f32],
) -> [Vec<f32>; 3] {
    let count = groups.len();
    let channels = groups.groups * groups.channels;
    assert!(x.len() == count && gradient.len() == count && statistics.len() == groups.batch * groups.groups);
    assert!(gamma.len() == channels && beta.len() == channels, "{groups:?}");
    let mut out = Vec::with_capacity(count);
    let mut sums = vec![[0.0; 2]; groups.batch * channels];
    let (to, sums_to) = (Shared(out.as_mut_ptr()), Shared(sums.as_mut_ptr()));
    let values = groups.channels * groups.pixels;
    groups.each(|i| {
        let [x, gradient] = [x, gradient].map(|v| &v[i * values..][..values]);
        let first = i % groups.groups * groups.channels;
        let [gamma, beta] = [gamma, beta].map(|v| &v[first..][..groups.channels]);
        // SAFETY: each group writes its own part of both.
        let (out, sums) = unsafe {
            (to.part(i * values), std::slice::from_raw_parts_mut(sums_to.part(i * groups.channels), groups.channels))
        };
        isa.run(Backward { groups, x, gradient, gamma, beta, statistics: statistics[i], out, sums });
    });
    // SAFETY: all groups have written all of their values.
    unsafe { out.set_len(count) };
    let sum = |which: usize| {
        let mut sum = vec![0.0; channels];
        sums.iter().enumerate().for_each(|(i, part)| sum[i % channels] += part[which]);
        sum
    };
    [out, sum(0), sum(1)]
}

struct Forward<'a> {
    groups: &'a Groups,
    x: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    out: *mut f32,
    statistics: &'a mut [f32; 2],
}

impl Job for Forward<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let count = self.x.len().max(1) as f32;
        let mean = sum::<V, false>(self.x, 0.0) / count;
        // Centred first: the mean of squares minus the square of the mean would cancel.
        let variance = sum::<V, true>(self.x, mean) / count;
        let scale = 1.0 / (variance + self.groups.eps).sqrt();
        *self.statistics = [mean, scale];
        let pixels = self.groups.pixels;
        for c in 0..self.groups.channels {
            let channel = Channel {
                mean: V::splat(mean),
                factor: V::splat(self.gamma[c] * scale),
                shift: V::splat(self.beta[c]),
                silu: self.groups.silu,
            };
            // SAFETY: `out` has as many values as `x`.
            unsafe { channel.normalise(&self.x[c * pixels..][..pixels], self.out.add(c * pixels)) };
        }
    }
}

/// The normalisation of a channel.
pub(super) struct Channel<V> {
    pub mean: V,
    /// Gamma divided by the standard deviation.
    pub factor: V,
    pub shift: V,
    pub silu: bool,
}

// Methods, not closures: a closure that is not inlined would call each instruction as a function.
impl<V: Vector> Channel<V> {
    /// Writes the normalised values.
    ///
    /// # Safety
    ///
    /// As many values as `x` has can be written to `out`.
    #[inline(always)]
    pub unsafe fn normalise(&self, x: &[f32], out: *mut f32) {
        let whole = x.len() / V::LANES * V::LANES;
        // SAFETY: all vectors are within `x`, and the caller promises that they are within `out`.
        unsafe {
            for p in (0..whole).step_by(V::LANES) {
                self.normalised(V::load(x.as_ptr().add(p))).store(out.add(p));
            }
            let rest = x.len() - whole;
            if rest > 0 {
                store_part(self.normalised(load_part::<V>(&x[whole..])), out.add(whole), rest);
            }
        }
    }

    #[inline(always)]
    fn normalised(&self, x: V) -> V {
        let u = x.sub(self.mean).mul_add(self.factor, self.shift);
        if self.silu { u.mul(sigmoid(u)) } else { u }
    }
}

struct Backward<'a> {
    groups: &'a Groups,
    x: &'a [f32],
    gradient: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    statistics: [f32; 2],
    out: *mut f32,
    /// The gradients of gamma and beta for each channel.
    sums: &'a mut [[f32; 2]],
}

impl Job for Backward<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let pixels = self.groups.pixels;
        let whole = pixels / V::LANES * V::LANES;
        let rest = pixels - whole;
        let [mean, scale] = self.statistics;
        let (mean_v, scale_v, zero) = (V::splat(mean), V::splat(scale), V::splat(0.0));
        let mut means = [0.0; 2];
        // The gradient before the SiLU, stored in the output for now.
        for c in 0..self.groups.channels {
            let [x, gradient] = [self.x, self.gradient].map(|v| &v[c * pixels..][..pixels]);
            let (gamma, beta) = (V::splat(self.gamma[c]), V::splat(self.beta[c]));
            let silu = self.groups.silu;
            let mut channel =
                Slope { mean: mean_v, scale: scale_v, gamma, beta, silu, gamma_gradient: zero, beta_gradient: zero };
            // SAFETY: `out` has as many values as `x`, and all vectors are within a channel's.
            unsafe {
                let out = self.out.add(c * pixels);
                for p in (0..whole).step_by(V::LANES) {
                    channel.before(V::load(x.as_ptr().add(p)), V::load(gradient.as_ptr().add(p))).store(out.add(p));
                }
                if rest > 0 {
                    // Beyond the rest the gradient is zero and adds nothing to the sums.
                    let du = channel.before(load_part(&x[whole..]), load_part(&gradient[whole..]));
                    store_part(du, out.add(whole), rest);
                }
            }
            self.sums[c] = [channel.gamma_gradient.sum(), channel.beta_gradient.sum()];
            for i in 0..2 {
                means[i] += self.gamma[c] * self.sums[c][i];
            }
        }
        let count = self.x.len().max(1) as f32;
        let (slope, offset) = (V::splat(-scale * scale * means[0] / count), V::splat(-scale * means[1] / count));
        for c in 0..self.groups.channels {
            let x = &self.x[c * pixels..][..pixels];
            let factor = V::splat(self.gamma[c] * scale);
            // SAFETY: as above; the values that are loaded from `out` were stored there above.
            unsafe {
                let out = self.out.add(c * pixels);
                for p in (0..whole).step_by(V::LANES) {
                    let rest = V::load(x.as_ptr().add(p)).sub(mean_v).mul_add(slope, offset);
                    V::load(out.add(p)).mul_add(factor, rest).store(out.add(p));
                }
                if rest > 0 {
                    let du = load_part::<V>(std::slice::from_raw_parts(out.add(whole), rest));
                    let x_gradient = load_part::<V>(&x[whole..]).sub(mean_v).mul_add(slope, offset);
                    store_part(du.mul_add(factor, x_gradient), out.add(whole), rest);
                }
            }
        }
    }
}

/// The backward pass of a channel through the SiLU, and the sums that are the gradients of gamma and beta.
struct Slope<V> {
    mean: V,
    scale: V,
    gamma: V,
    beta: V,
    silu: bool,
    gamma_gradient: V,
    beta_gradient: V,
}

impl<V: Vector> Slope<V> {
    /// Returns the gradient before the SiLU and adds to the sums.
    #[inline(always)]
    fn before(&mut self, x: V, gradient: V) -> V {
        let unit = x.sub(self.mean).mul(self.scale);
        let mut du = gradient;
        if self.silu {
            let u = unit.mul_add(self.gamma, self.beta);
            let s = sigmoid(u);
            // (u·s)' = s + u·s·(1 - s)
            du = du.mul(u.mul(s).mul_add(V::splat(1.0).sub(s), s));
        }
        self.gamma_gradient = du.mul_add(unit, self.gamma_gradient);
        self.beta_gradient = self.beta_gradient.add(du);
        du
    }
}
