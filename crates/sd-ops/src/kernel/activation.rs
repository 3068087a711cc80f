//! The non-linearities of transformers in one pass over memory, and their gradients in one.
//!
//! The normal distribution is Hastings' `Φ(-a) = (a₁t + … + a₅t⁵)·e^(-a²/2) / 2` with `t = 1 / (1 + p·a/√2)` for `a >= 0`
//! (Abramowitz and Stegun 1964, 7.1.26). Its error is 7.5e-8, and 2e-7 in single precision. It shares its exponential with
//! the density, which the slope needs.

#![expect(unsafe_code, reason = "vector loads and stores within slices whose lengths are asserted")]

use rayon::prelude::*;

use super::shared::Shared;
use super::simd::{Isa, Job, Vector, load_part, sigmoid, store_part};

/// Values of a piece of work: handing one to a thread takes as long as about a thousand values.
const PIECE: usize = 16_384;

/// A function of each value, or of the two halves of each row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Activation {
    /// `x·Φ(x)`
    Gelu,
    /// `x·sigmoid(1.702·x)`
    QuickGelu,
    /// The first half of each row times the GELU of the second half; each half has `width` values.
    Geglu { width: usize },
}

impl Activation {
    /// Returns how many values a row has before and after the function.
    fn row(self) -> [usize; 2] {
        match self {
            Self::Gelu | Self::QuickGelu => [1, 1],
            Self::Geglu { width } => [2 * width, width],
        }
    }

    /// Splits `count` values into pieces and runs `work` with the first row and the number of rows of each.
    fn each_piece(self, count: usize, work: impl Fn(usize, usize) + Sync + Send) {
        let [taken, given] = self.row();
        assert!(taken > 0 && count.is_multiple_of(taken), "{count} values are not whole rows of {self:?}");
        let rows = count / taken;
        let most = (PIECE / given).max(1);
        let pieces = 0..rows.div_ceil(most);
        let work = |i: usize| work(i * most, most.min(rows - i * most));
        if rayon::current_num_threads() == 1 || pieces.len() <= 1 {
            pieces.for_each(work);
        } else {
            pieces.into_par_iter().for_each(work);
        }
    }
}

/// Returns the function of `x`.
pub(crate) fn forward(isa: Isa, activation: Activation, x: &[f32]) -> Vec<f32> {
    let [taken, given] = activation.row();
    let count = x.len() / taken.max(1) * given;
    let mut out = Vec::with_capacity(count);
    let to = Shared(out.as_mut_ptr());
    activation.each_piece(x.len(), |first, rows| {
        let x = &x[first * taken..][..rows * taken];
        // SAFETY: each piece writes its own rows.
        isa.run(Forward { activation, x, out: unsafe { to.part(first * given) } });
    });
    // SAFETY: all pieces have written all of their rows.
    unsafe { out.set_len(count) };
    out
}

/// Returns the gradient of `x`, from that of the output.
pub(crate) fn backward(isa: Isa, activation: Activation, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    let [taken, given] = activation.row();
    assert_eq!(x.len() * given, gradient.len() * taken, "{activation:?}");
    let mut out = Vec::with_capacity(x.len());
    let to = Shared(out.as_mut_ptr());
    activation.each_piece(x.len(), |first, rows| {
        let x = &x[first * taken..][..rows * taken];
        let gradient = &gradient[first * given..][..rows * given];
        // SAFETY: each piece writes its own rows.
        isa.run(Backward { activation, x, gradient, out: unsafe { to.part(first * taken) } });
    });
    // SAFETY: all pieces have written all of their rows.
    unsafe { out.set_len(x.len()) };
    out
}

struct Forward<'a> {
    activation: Activation,
    x: &'a [f32],
    out: *mut f32,
}

impl Job for Forward<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { activation, x, out } = self;
        // SAFETY: `forward` allocates room for the rows.
        unsafe {
            match activation {
                Activation::Gelu => each::<V, _, 1, 1>([x], [out], Gelu),
                Activation::QuickGelu => each::<V, _, 1, 1>([x], [out], QuickGelu),
                Activation::Geglu { width } => {
                    for (i, row) in x.chunks_exact(2 * width).enumerate() {
                        let (x, gate) = row.split_at(width);
                        each::<V, _, 2, 1>([x, gate], [out.add(i * width)], Geglu);
                    }
                }
            }
        }
    }
}

struct Backward<'a> {
    activation: Activation,
    x: &'a [f32],
    gradient: &'a [f32],
    out: *mut f32,
}

impl Job for Backward<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { activation, x, gradient, out } = self;
        // SAFETY: `backward` allocates room for the rows.
        unsafe {
            match activation {
                Activation::Gelu => each::<V, _, 2, 1>([x, gradient], [out], Gelu),
                Activation::QuickGelu => each::<V, _, 2, 1>([x, gradient], [out], QuickGelu),
                Activation::Geglu { width } => {
                    for (i, (row, gradient)) in x.chunks_exact(2 * width).zip(gradient.chunks_exact(width)).enumerate()
                    {
                        let (x, gate) = row.split_at(width);
                        let out = out.add(2 * i * width);
                        each::<V, _, 3, 2>([x, gate, gradient], [out, out.add(width)], Geglu);
                    }
                }
            }
        }
    }
}

/// A function from `N` values to `M` values.
trait Function<const N: usize, const M: usize> {
    fn apply<V: Vector>(&self, from: [V; N]) -> [V; M];
}

/// Applies a function to all values of the slices.
///
/// # Safety
///
/// As many values can be written to each `to`.
#[inline(always)]
unsafe fn each<V: Vector, F: Function<N, M>, const N: usize, const M: usize>(
    from: [&[f32]; N],
    to: [*mut f32; M],
    function: F,
) {
    let count = from[0].len();
    assert!(from.iter().all(|from| from.len() == count));
    let whole = count / V::LANES * V::LANES;
    // SAFETY: vectors within the slices, and what the caller promises.
    unsafe {
        for at in (0..whole).step_by(V::LANES) {
            let mut vectors = [V::splat(0.0); N];
            for i in 0..N {
                vectors[i] = V::load(from[i].as_ptr().add(at));
            }
            let found = function.apply(vectors);
            for i in 0..M {
                found[i].store(to[i].add(at));
            }
        }
        if whole < count {
            let mut vectors = [V::splat(0.0); N];
            for i in 0..N {
                vectors[i] = load_part(&from[i][whole..]);
            }
            let found = function.apply(vectors);
            for i in 0..M {
                store_part(found[i], to[i].add(whole), count - whole);
            }
        }
    }
}

struct Gelu;

impl Function<1, 1> for Gelu {
    #[inline(always)]
    fn apply<V: Vector>(&self, [x]: [V; 1]) -> [V; 1] {
        [gelu(x, &Normal::new(x))]
    }
}

impl Function<2, 1> for Gelu {
    #[inline(always)]
    fn apply<V: Vector>(&self, [x, gradient]: [V; 2]) -> [V; 1] {
        [gradient.mul(gelu_slope(x, &Normal::new(x)))]
    }
}

struct QuickGelu;

impl Function<1, 1> for QuickGelu {
    #[inline(always)]
    fn apply<V: Vector>(&self, [x]: [V; 1]) -> [V; 1] {
        [x.mul(sigmoid(x.mul(V::splat(1.702))))]
    }
}

impl Function<2, 1> for QuickGelu {
    #[inline(always)]
    fn apply<V: Vector>(&self, [x, gradient]: [V; 2]) -> [V; 1] {
        let u = x.mul(V::splat(1.702));
        let s = sigmoid(u);
        // (x·s)' = s + u·s·(1 - s)
        [gradient.mul(u.mul(s).mul_add(V::splat(1.0).sub(s), s))]
    }
}

struct Geglu;

impl Function<2, 1> for Geglu {
    #[inline(always)]
    fn apply<V: Vector>(&self, [x, gate]: [V; 2]) -> [V; 1] {
        [geglu(x, gate)]
    }
}

/// Returns `x·gelu(gate)`.
#[inline(always)]
pub(super) fn geglu<V: Vector>(x: V, gate: V) -> V {
    x.mul(gelu(gate, &Normal::new(gate)))
}

impl Function<3, 2> for Geglu {
    #[inline(always)]
    fn apply<V: Vector>(&self, [x, gate, gradient]: [V; 3]) -> [V; 2] {
        let normal = Normal::new(gate);
        [gradient.mul(gelu(gate, &normal)), gradient.mul(x).mul(gelu_slope(gate, &normal))]
    }
}

/// The normal distribution at `-|x|`.
struct Normal<V> {
    absolute: V,
    tail: V,
    /// `e^(-x²/2)`
    bell: V,
}

/// Hastings' `p / √2`.
const P: f32 = 0.231_641_88;
/// Hastings' coefficients, halved, from the highest power.
const A: [f32; 5] = [0.530_702_7, -0.726_576, 0.710_706_9, -0.142_248_37, 0.127_414_8];

impl<V: Vector> Normal<V> {
    #[inline(always)]
    fn new(x: V) -> Self {
        let zero = V::splat(0.0);
        let absolute = x.where_negative(zero.sub(x), x);
        let t = V::splat(1.0).div(absolute.mul_add(V::splat(P), V::splat(1.0)));
        let mut sum = V::splat(A[0]);
        for a in &A[1..] {
            sum = sum.mul_add(t, V::splat(*a));
        }
        let bell = absolute.mul(absolute).mul(V::splat(-0.5)).exp();
        Self { absolute, tail: sum.mul(t).mul(bell), bell }
    }
}

/// Returns `x·Φ(x)`.
#[inline(always)]
fn gelu<V: Vector>(x: V, normal: &Normal<V>) -> V {
    // `x - x·Φ(-x)`, because `x·(1 - Φ(-x))` would lose small values.
    let above = x.where_negative(V::splat(0.0), x);
    above.sub(normal.absolute.mul(normal.tail))
}

/// Returns the slope of the GELU, `Φ(x) + x·φ(x)`.
#[inline(always)]
fn gelu_slope<V: Vector>(x: V, normal: &Normal<V>) -> V {
    const DENSITY: f32 = 0.398_942_3;
    let below = normal.tail.sub(normal.absolute.mul(normal.bell).mul(V::splat(DENSITY)));
    x.where_negative(below, V::splat(1.0).sub(below))
}
