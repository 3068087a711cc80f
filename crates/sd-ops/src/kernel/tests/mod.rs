//! The kernels against their definitions in double precision, on all instruction sets; here those of convolution.

#![expect(unsafe_code, reason = "loads and stores of vectors")]

use super::conv::forward::{as_product, in_order};
use super::conv::gradients::{bias_gradient, input_gradient, weight_gradient};
use super::conv::weights::Weights;
use super::conv::window::Window;
use super::simd::{Isa, Job, Vector};
use super::weight_slice::WeightSlice;

mod alone;
mod blocks;
mod half;
mod int8;
mod linear;
mod tiles;
mod tokens;
mod winograd;

/// Returns all instruction sets of this processor, and those for tests.
pub(super) fn isas() -> Vec<Isa> {
    [Isa::all(), vec![Isa::Wide, Isa::Tiled]].concat()
}

/// Returns values between −0.5 and 0.5.
pub(super) fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        // The constants of Knuth's MMIX.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

/// Calls `f` with the places in output, input and weight of each product.
fn each_product(window: &Window, mut f: impl FnMut([usize; 3])) {
    let [height, width] = window.kernel;
    for out in 0..window.batch * window.outputs * window.pixels() {
        let (pixel, channel) = (out % window.pixels(), out / window.pixels());
        let (n, o) = (channel / window.outputs, channel % window.outputs);
        let (row, column) = (pixel / window.out[1], pixel % window.out[1]);
        for term in 0..window.terms() {
            let (i, tap) = (term / (height * width), term % (height * width));
            let y = (row * window.stride + tap / width) as isize - window.before[0];
            let x = (column * window.stride + tap % width) as isize - window.before[1];
            let inside = |at: isize, size: usize| at >= 0 && (at as usize) < size;
            if inside(y, window.size[0]) && inside(x, window.size[1]) {
                let image = (n * window.inputs + i) * window.size[0] + y as usize;
                f([out, image * window.size[1] + x as usize, o * window.terms() + term]);
            }
        }
    }
}

fn check(isa: Isa, window: &Window) {
    let x = values(window.batch * window.image(), 1);
    let weight = values(window.outputs * window.terms(), 2);
    let bias = values(window.outputs, 3);
    let gradient = values(window.batch * window.outputs * window.pixels(), 4);
    let channel_of = |out: usize| out / window.pixels() % window.outputs;

    let mut out: Vec<Sum> = (0..gradient.len()).map(|at| Sum::new(bias[channel_of(at)].into())).collect();
    let zeros = |count: usize| vec![Sum::default(); count];
    let mut found = [zeros(x.len()), zeros(weight.len()), zeros(bias.len())];
    gradient.iter().enumerate().for_each(|(at, &g)| found[2][channel_of(at)].add(g.into()));
    each_product(window, |[o, i, w]| {
        let [g, x, weight] = [gradient[o], x[i], weight[w]].map(f64::from);
        out[o].add(x * weight);
        found[0][i].add(g * weight);
        found[1][w].add(g * x);
    });

    let [height, width] = window.kernel.map(|k| k as isize);
    let (inputs, rows) = (height * width, width);
    let outputs = inputs * window.inputs as isize;
    let weights = Weights { values: WeightSlice::F32(&weight), start: 0, outputs, inputs, rows, columns: 1 };
    for way in [in_order, as_product] {
        close(&way(isa, window, &x, weights, Some(&bias)), &out, window);
    }
    close(&input_gradient(isa, window, &gradient, &weight), &found[0], window);
    close(&weight_gradient(isa, window, &x, &gradient), &found[1], window);
    close(&bias_gradient(isa, window, &gradient), &found[2], window);
}

/// A sum, and the sum of its terms' absolute values, which bounds the rounding error.
#[derive(Clone, Copy, Default)]
struct Sum {
    sum: f64,
    absolute: f64,
}

impl Sum {
    fn new(term: f64) -> Self {
        Self { sum: term, absolute: term.abs() }
    }

    fn add(&mut self, term: f64) {
        self.sum += term;
        self.absolute += term.abs();
    }
}

/// Asserts that sums of hundreds of terms differ by some roundings of single precision at most, 6e-8 each.
fn close(found: &[f32], expected: &[Sum], window: &Window) {
    assert_eq!(found.len(), expected.len(), "{window:?}");
    for (at, (&found, &Sum { sum, absolute })) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(found) - sum).abs() <= 1e-6 * absolute, "{window:?}, {at}: {found}, not {sum}");
    }
}

#[test]
fn all_vectors_give_the_sums_of_the_definition() {
    for isa in isas() {
        for (batch, inputs, outputs) in [(1, 1, 1), (2, 3, 5), (1, 8, 24), (3, 5, 17), (1, 4, 40), (1, 70, 8)] {
            for size in [[1, 1], [2, 3], [1, 4], [4, 4], [5, 7], [8, 8], [9, 12], [16, 17]] {
                for (kernel, stride, [top, left, bottom, right]) in [
                    (3, 1, [1; 4]),
                    (3, 2, [1; 4]),
                    (3, 2, [0, 0, 1, 1]),
                    (1, 1, [0; 4]),
                    (1, 2, [0; 4]),
                    (3, 1, [2; 4]),
                    (1, 1, [1, 0, 0, 1]),
                ] {
                    let padded = [size[0] + top + bottom, size[1] + left + right];
                    if padded.iter().any(|&edge| edge < kernel) {
                        continue;
                    }
                    let out = padded.map(|edge| (edge - kernel) / stride + 1);
                    let before = [top as isize, left as isize];
                    check(
                        isa,
                        &Window {
                            batch,
                            inputs,
                            outputs,
                            size,
                            out,
                            kernel: [kernel; 2],
                            stride,
                            before,
                            joint: false,
                        },
                    );
                }
            }
        }
    }
}

struct Exp<'a>(&'a mut [f32; 16], bool);

impl Job for Exp<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        for vector in self.0.chunks_exact_mut(V::LANES) {
            // SAFETY: the chunk has as many values as a vector.
            unsafe {
                let x = V::load(vector.as_ptr());
                if self.1 { x.exp2() } else { x.exp() }.store(vector.as_mut_ptr());
            }
        }
    }
}

#[test]
fn powers_of_e_and_of_two_are_right_to_the_last_bits() {
    for isa in isas() {
        for i in 0..2000 {
            let x: [f32; 16] = std::array::from_fn(|lane| -87.0 + (i * 16 + lane) as f32 * (175.0 / 32_000.0));
            let mut found = x;
            isa.run(Exp(&mut found, false));
            for (x, found) in x.into_iter().zip(found) {
                let expected = f64::from(x).exp();
                assert!((f64::from(found) / expected - 1.0).abs() < 2e-7, "e^{x} is {expected}, not {found}");
            }
        }
        for i in 0..2000 {
            let x: [f32; 16] = std::array::from_fn(|lane| -126.0 + (i * 16 + lane) as f32 * (252.0 / 32_000.0));
            let mut found = x;
            isa.run(Exp(&mut found, true));
            for (x, found) in x.into_iter().zip(found) {
                let expected = f64::from(x).exp2();
                assert!((f64::from(found) / expected - 1.0).abs() < 2e-7, "2^{x} is {expected}, not {found}");
            }
        }
        for base_two in [false, true] {
            for far in [-1e30, f32::NEG_INFINITY] {
                let mut beyond = [far; 16];
                isa.run(Exp(&mut beyond, base_two));
                assert!(beyond.iter().all(|&e| (0.0..1e-37).contains(&e)), "{beyond:?}");
            }
            let mut none = [f32::NAN; 16];
            isa.run(Exp(&mut none, base_two));
            assert!(none.iter().all(|e| e.is_nan()), "{none:?}");
        }
    }
}
