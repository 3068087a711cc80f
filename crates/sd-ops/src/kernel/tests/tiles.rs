//! What is multiplied in tiles, on the model and on processors that have them: factors are rounded to bf16, sums are not. It
//! is the same for convolutions by pairs in vectors.

use half::bf16;

use super::{Sum, each_product, isas, values};
use crate::kernel::activation::{self, Activation};
use crate::kernel::conv::forward::{as_product, convolve};
use crate::kernel::conv::weights::Weights;
use crate::kernel::conv::window::Window;
use crate::kernel::gemm::{Matrix, Panels};
use crate::kernel::linear::{Places, Weight, linear};
use crate::kernel::simd::Isa;
use crate::kernel::weight_slice::WeightSlice;

/// Returns the instruction sets with tiles.
fn tiled() -> Vec<Isa> {
    isas().into_iter().filter(|isa| isa.tiles().is_some()).collect()
}

fn rounded(x: f32) -> f64 {
    bf16::from_f32(x).to_f64()
}

fn halves(count: usize, seed: u64) -> Vec<bf16> {
    values(count, seed).into_iter().map(bf16::from_f32).collect()
}

/// Asserts that `found` are these sums, up to the rounding of single precision, and not just near them.
fn close(found: &[f32], expected: &[Sum], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (&found, &Sum { sum, absolute })) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(found) - sum).abs() <= 1e-6 * absolute, "{what}, {at}: {found}, not {sum}");
    }
}

/// Rows, terms and columns of linear layers: less than a tile, whole tiles, and several blocks, groups of rows and pieces.
const SIZES: [[usize; 3]; 11] = [
    [1, 2, 1],
    [16, 32, 16],
    [17, 34, 33],
    [32, 64, 32],
    [33, 30, 64],
    [70, 514, 40],
    [40, 1300, 96],
    [600, 66, 70],
    [520, 1060, 40],
    [0, 8, 8],
    [3, 0, 5],
];

#[test]
fn linear_layers_in_tiles_multiply_rounded_rows() {
    for [rows, terms, columns] in SIZES {
        // Rows that are a part of wider ones, and two matrices, one below the other.
        let wide = terms + 7;
        let x = values(2 * rows * wide, 1);
        let (weight, bias) = (halves(terms * columns, 2), values(columns, 3));
        let x_at = |row: usize, k: usize| rounded(x[row * wide + 3 + k]);
        let mut expected = Vec::new();
        for (row, n) in (0..2 * rows).flat_map(|row| (0..columns).map(move |n| (row, n))) {
            let mut sum = Sum::new(bias[n].into());
            (0..terms).for_each(|k| sum.add(x_at(row, k) * weight[n * terms + k].to_f64()));
            expected.push(sum);
        }
        for isa in tiled() {
            let parts = [0, rows * wide].map(|at| Matrix::new(&x[(at + 3).min(x.len())..], [rows, terms], [wide, 1]));
            let product = |values, places| {
                let weight = Weight { values: WeightSlice::Bf16(values), sizes: [terms, columns], places };
                linear(isa, &parts, &weight, &bias, false)
            };
            let what = format!("{isa:?}, {rows}×{terms}×{columns}");
            close(&product(&weight, Places::Apart([1, terms])), &expected, &what);
            if Panels::fit(isa, columns) && terms > 0 {
                let mut packed = weight.clone();
                Panels::pack(isa, bytemuck::cast_slice(&weight), terms / 2, bytemuck::cast_slice_mut(&mut packed));
                close(&product(&packed, Places::Panels), &expected, &format!("{what}, packed"));
            }
        }
    }
}

#[test]
fn gated_layers_in_tiles_are_the_geglu_of_both_halves() {
    for [rows, terms, width] in [[1, 2, 1], [33, 34, 17], [40, 1300, 48], [16, 320, 64]] {
        let (x, weight, bias) = (values(rows * terms, 1), halves(terms * 2 * width, 2), values(2 * width, 3));
        for isa in tiled() {
            let matrix = Matrix::new(&x, [rows, terms], [terms, 1]);
            let values = WeightSlice::Bf16(&weight);
            let weight = Weight { values, sizes: [terms, 2 * width], places: Places::Apart([1, terms]) };
            let both = linear(isa, &[matrix], &weight, &bias, false);
            let found = linear(isa, &[matrix], &weight, &bias, true);
            let expected = activation::forward(isa, Activation::Geglu { width }, &both);
            let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(found.len() == rows * width && apart < 1e-5, "{isa:?}, {rows}×{terms}×{width}: {apart}");
        }
    }
}

#[test]
fn convolutions_in_tiles_and_by_pairs_multiply_rounded_pixels() {
    for (batch, inputs, outputs, size, kernel, stride, before) in [
        (1, 2, 1, [1, 1], 1, 1, [0, 0]),
        (2, 34, 70, [5, 7], 1, 1, [0, 0]),
        (2, 320, 48, [6, 6], 1, 1, [0, 0]),
        (2, 26, 48, [9, 12], 3, 1, [1, 1]),
        (1, 64, 64, [16, 16], 3, 1, [1, 1]),
        (1, 6, 33, [13, 10], 3, 2, [1, 1]),
        (2, 18, 50, [8, 8], 3, 2, [0, 0]),
        (1, 4, 20, [17, 19], 3, 1, [2, 0]),
    ] {
        let out = [0, 1].map(|i| (size[i] + 2 * before[i] - kernel) / stride + 1);
        let before = before.map(|n| n as isize);
        let window = Window { batch, inputs, outputs, size, out, kernel: [kernel; 2], stride, before, joint: true };
        let (x, bias) = (values(batch * window.image(), 1), values(outputs, 3));
        let weight = halves(outputs * window.terms(), 2);
        let bias_at = |at: usize| Sum::new(bias[at / window.pixels() % outputs].into());
        let mut expected: Vec<Sum> = (0..batch * outputs * window.pixels()).map(bias_at).collect();
        each_product(&window, |[o, i, w]| expected[o].add(rounded(x[i]) * weight[w].to_f64()));
        let weights = Weights {
            values: WeightSlice::Bf16(&weight),
            start: 0,
            outputs: window.terms() as isize,
            inputs: (kernel * kernel) as isize,
            rows: kernel as isize,
            columns: 1,
        };
        for isa in isas().into_iter().filter(|isa| isa.has_pairs()) {
            let what = format!("{window:?}, {isa:?}");
            close(&as_product(isa, &window, &x, weights, Some(&bias)), &expected, &what);
            // As networks call it: in tiles, if there are any, and enough outputs.
            if isa.tiles().is_some() && outputs >= 48 {
                close(&convolve(isa, &window, &x, weights, Some(&bias)), &expected, &what);
            }
        }
    }
}
