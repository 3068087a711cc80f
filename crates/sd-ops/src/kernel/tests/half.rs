//! Weights in half precision, and products of pairs of bf16.

use half::{bf16, f16};

use super::{Sum, each_product, isas, values};
use crate::kernel::attention::{Heads, View, forward};
use crate::kernel::conv::forward::convolve;
use crate::kernel::conv::weights::Weights;
use crate::kernel::conv::window::Window;
use crate::kernel::gemm::Matrix;
use crate::kernel::linear::{Places, Weight, linear};
use crate::kernel::simd::{Job, Vector};
use crate::kernel::weight_slice::WeightSlice;

/// Returns values that bf16 represents exactly.
fn short(count: usize, seed: u64) -> Vec<f32> {
    values(count, seed).into_iter().map(|x| bf16::from_f32(x).to_f32()).collect()
}

/// Two vectors narrowed, paired, and the products of both results.
struct Pairs<'a> {
    values: &'a [[f32; 16]; 2],
    found: &'a mut [[f32; 16]; 3],
}

impl Job for Pairs<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let [a, b] = [V::from_lanes(self.values[0]), V::from_lanes(self.values[1])];
        let [narrow, pair] = [a.narrow(b), a.pair(b)];
        *self.found = [narrow.lanes(), pair.lanes(), narrow.dot(pair, V::splat(0.25)).lanes()];
    }
}

#[test]
fn pairs_are_rounded_to_nearest_and_lie_in_order() {
    // Ties round to even; values that are too large become infinite.
    let special = [1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0, f32::MAX, f32::INFINITY, -0.0, 0.5, -3.25, 1e-20];
    let mut first = [0.0; 16];
    first.iter_mut().zip(special.into_iter().cycle()).for_each(|(to, x)| *to = x);
    let second: [f32; 16] = values(16, 5).try_into().unwrap();
    for isa in isas().into_iter().filter(|isa| isa.has_pairs()) {
        let mut found = [[0.0; 16]; 3];
        isa.run(Pairs { values: &[first, second], found: &mut found });
        let bits = |x: f32| bf16::from_f32(x).to_bits();
        let expected = |low: f32, high: f32| u32::from(bits(high)) << 16 | u32::from(bits(low));
        for i in 0..16 {
            let value = |i: usize| if i < 16 { first[i] } else { second[i - 16] };
            assert_eq!(found[0][i].to_bits(), expected(value(2 * i), value(2 * i + 1)), "{isa:?}, narrow, {i}");
            assert_eq!(found[1][i].to_bits(), expected(first[i], second[i]), "{isa:?}, pair, {i}");
        }

        let [first, second] = [1, 2].map(|seed| short(16, seed).try_into().unwrap());
        isa.run(Pairs { values: &[first, second], found: &mut found });
        for i in 0..16 {
            let value = |i: usize| f64::from(if i < 16 { first[i] } else { second[i - 16] });
            let sum = 0.25 + value(2 * i) * value(i) + value(2 * i + 1) * value(16 + i);
            assert!((f64::from(found[2][i]) - sum).abs() < 1e-7, "{isa:?}, dot, {i}: {}, not {sum}", found[2][i]);
        }
    }
}

/// Calls `f` with the values in each half precision.
fn each_precision(values: &[f32], f: impl Fn(WeightSlice)) {
    f(WeightSlice::F16(&values.iter().map(|&x| f16::from_f32(x)).collect::<Vec<_>>()));
    f(WeightSlice::Bf16(&values.iter().map(|&x| bf16::from_f32(x)).collect::<Vec<_>>()));
}

#[test]
fn linear_layers_with_half_weights_give_the_sums_of_the_definition() {
    for [rows, terms, columns] in [[1, 2, 1], [2, 3, 5], [7, 34, 31], [40, 18, 6], [5, 700, 70], [64, 642, 129]] {
        // Bf16 has 8 bits, all of which f16 represents for values from 1/512 on.
        let x = short(2 * rows * terms, 1);
        let w: Vec<f32> =
            short(terms * columns, 2).into_iter().map(|w| if w.abs() < 0.002 { 0.0 } else { w }).collect();
        let bias = values(columns, 3);
        for (x_apart, w_apart) in [([terms, 1], [1, terms]), ([1, rows], [1, terms]), ([terms, 1], [columns, 1])] {
            let vectors = [0, rows * terms].map(|start| Matrix::new(&x[start..], [rows, terms], x_apart));
            each_precision(&w, |values| {
                for isa in isas() {
                    let weight = Weight { values, sizes: [terms, columns], places: Places::Apart(w_apart) };
                    let found = linear(isa, &vectors, &weight, &bias, false);
                    for (at, found) in found.into_iter().enumerate() {
                        let (row, n) = (at / columns, at % columns);
                        let mut sum = Sum::new(bias[n].into());
                        for k in 0..terms {
                            let start = row / rows * rows * terms;
                            let x = x[start + row % rows * x_apart[0] + k * x_apart[1]];
                            sum.add(f64::from(x) * f64::from(w[k * w_apart[0] + n * w_apart[1]]));
                        }
                        let apart = (f64::from(found) - sum.sum).abs();
                        assert!(apart <= 1e-6 * sum.absolute, "{isa:?}, {rows}×{terms}×{columns}, {at}: {apart}");
                    }
                }
            });
        }
    }
}

#[test]
fn convolutions_with_half_weights_give_the_sums_of_the_definition() {
    for (batch, inputs, outputs, edge, kernel, stride) in [
        // Term by term; as a product, because there are many weights or because it is pointwise; Winograd's.
        (2, 3, 5, 6, 3, 1),
        (2, 250, 234, 5, 3, 2),
        (1, 249, 235, 5, 3, 2),
        (2, 34, 19, 9, 1, 1),
        (1, 33, 19, 9, 1, 1),
        (1, 26, 30, 17, 3, 1),
    ] {
        let before = [(kernel / 2) as isize; 2];
        let (size, out) = ([edge; 2], [(edge - 1) / stride + 1; 2]);
        let window = Window { batch, inputs, outputs, size, out, kernel: [kernel; 2], stride, before, joint: false };
        let x = short(batch * window.image(), 1);
        let w: Vec<f32> = short(outputs * window.terms(), 2);
        let w: Vec<f32> = w.into_iter().map(|w| if w.abs() < 0.002 { 0.0 } else { w }).collect();
        let mut expected = vec![Sum::default(); batch * outputs * window.pixels()];
        each_product(&window, |[o, i, k]| expected[o].add(f64::from(x[i]) * f64::from(w[k])));
        let largest = expected.iter().fold(0.0_f64, |most, sum| most.max(sum.absolute));
        each_precision(&w, |values| {
            let (inputs, rows) = ((kernel * kernel) as isize, kernel as isize);
            let outputs = window.terms() as isize;
            let weights = Weights { values, start: 0, outputs, inputs, rows, columns: 1 };
            for isa in isas() {
                let found = convolve(isa, &window, &x, weights, None);
                let apart = |(found, expected): (&f32, &Sum)| (f64::from(*found) - expected.sum).abs() / largest;
                let worst = found.iter().zip(&expected).map(apart).fold(0.0, f64::max);
                assert!(found.len() == expected.len() && worst < 2e-6, "{window:?}, {isa:?}: {worst}");
            }
        });
    }
}

/// Bf16 has 8 bits. A score of 3 is a sum of many roundings, with an error of some hundredths; a mean of values has an error
/// of some thousandths.
#[test]
fn attention_in_half_precision_is_near_that_in_single() {
    for ([batch, heads, queries, keys, width], causal) in [
        ([2, 3, 7, 5, 10], false),
        ([1, 2, 61, 77, 40], false),
        ([1, 1, 130, 301, 18], false),
        ([1, 1, 3, 1, 64], false),
        ([1, 1, 33, 290, 160], false),
        ([1, 1, 103, 103, 24], true),
    ] {
        let heads = Heads { batch, heads, queries, keys, width, causal, half: true };
        let random = |tokens: usize, seed| values(batch * tokens * heads.heads * width, seed);
        let q: Vec<f32> = random(queries, 1).iter().map(|x| 12.0 * x).collect();
        let [k, v] = [random(keys, 2), random(keys, 3)];
        let view = |values, tokens| {
            let apart = [tokens * heads.heads * width, width, heads.heads * width];
            View::new(values, 0, apart, [batch, heads.heads, tokens, width])
        };
        for isa in isas().into_iter().filter(|isa| isa.has_pairs()) {
            let [half, single] = [true, false].map(|half| {
                let heads = Heads { half, ..heads };
                forward::forward(isa, &heads, view(&q, queries), view(&k, keys), view(&v, keys))
            });
            let apart = |[a, b]: [&[f32]; 2]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let [means, logs] = [apart([&half.0, &single.0]), apart([&half.1, &single.1])];
            assert!(means < 4e-3 && logs < 2e-2, "{heads:?}, {isa:?}: {means}, {logs}");
            assert!(half.0 != single.0, "{heads:?}: half precision must differ");
        }
    }
}
