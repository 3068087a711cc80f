use half::bf16;

use super::{isas, values};
use crate::kernel::gemm::{Matrix, Panels};
use crate::kernel::linear::{Places, Weight, linear};
use crate::kernel::weight_slice::WeightSlice;

/// Rows, terms and columns. Not all sizes are multiples of those of a tile, a block or a vector.
const SIZES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [2, 3, 5],
    [6, 16, 32],
    [7, 33, 31],
    [13, 0, 4],
    [250, 17, 40],
    [5, 700, 70],
    [64, 320, 129],
    [37, 641, 1],
];

#[test]
fn matrices_in_any_order_give_the_sums_of_the_definition() {
    for [rows, terms, columns] in SIZES {
        let [left, right_values] = [values(2 * rows * terms, 1), values(terms * columns, 2)];
        let bias = values(columns, 3);
        for (turned_left, turned_right) in [(false, false), (false, true), (true, false), (true, true)] {
            let apart = |turned: bool, [rows, columns]: [usize; 2]| if turned { [1, rows] } else { [columns, 1] };
            let left_apart = apart(turned_left, [rows, terms]);
            let right_apart = apart(turned_right, [terms, columns]);
            let lefts = [0, rows * terms].map(|start| Matrix::new(&left[start..], [rows, terms], left_apart));
            let right = Weight {
                values: WeightSlice::F32(&right_values),
                sizes: [terms, columns],
                places: Places::Apart(right_apart),
            };
            for isa in isas() {
                let found = linear(isa, &lefts, &right, &bias, false);
                assert_eq!(found.len(), 2 * rows * columns);
                for (at, found) in found.into_iter().enumerate() {
                    let (row, n) = (at / columns, at % columns);
                    let start = row / rows * rows * terms + row % rows * left_apart[0];
                    let (mut sum, mut absolute) = (f64::from(bias[n]), f64::from(bias[n].abs()));
                    for k in 0..terms {
                        let [a, b] =
                            [left[start + k * left_apart[1]], right_values[k * right_apart[0] + n * right_apart[1]]]
                                .map(f64::from);
                        sum += a * b;
                        absolute += (a * b).abs();
                    }
                    let apart = (f64::from(found) - sum).abs();
                    assert!(apart <= 1e-6 * absolute, "{isa:?}, {rows}×{terms}×{columns}, {at}: {found}, not {sum}");
                }
            }
        }
    }
}

#[test]
fn packed_weights_give_the_same_values() {
    for [rows, terms, columns] in [[1, 1, 32], [2, 6, 64], [13, 34, 96], [40, 770, 32], [154, 96, 160]] {
        let (x, bias, weight) = (values(rows * terms, 1), values(columns, 2), values(terms * columns, 3));
        let halves: Vec<bf16> = weight.iter().map(|&w| bf16::from_f32(w)).collect();
        let sizes = [terms, columns];
        for isa in isas() {
            let product = |values, places| {
                let x = Matrix::new(&x, [rows, terms], [terms, 1]);
                linear(isa, &[x], &Weight { values, sizes, places }, &bias, false)
            };
            let mut packed = weight.clone();
            Panels::pack(isa, &weight, terms, &mut packed);
            let expected = product(WeightSlice::F32(&weight), Places::Apart([1, terms]));
            assert!(product(WeightSlice::F32(&packed), Places::Panels) == expected, "{isa:?}, {terms} to {columns}");

            if !isa.has_pairs() || !terms.is_multiple_of(2) {
                continue;
            }
            let mut packed = halves.clone();
            Panels::pack(isa, bytemuck::cast_slice(&halves), terms / 2, bytemuck::cast_slice_mut(&mut packed));
            let expected = product(WeightSlice::Bf16(&halves), Places::Apart([1, terms]));
            assert!(
                product(WeightSlice::Bf16(&packed), Places::Panels) == expected,
                "{isa:?}, pairs, {terms} to {columns}"
            );
        }
    }
}

#[test]
#[should_panic(expected = "40 outputs of a packed weight do not fill its panels")]
fn only_whole_panels_are_packed() {
    let weight = Weight { values: WeightSlice::F32(&[0.0; 80]), sizes: [2, 40], places: Places::Panels };
    linear(isas()[0], &[Matrix::new(&[0.0; 2], [1, 2], [2, 1])], &weight, &[0.0; 40], false);
}

#[test]
#[should_panic(expected = "a matrix [3, 4] with strides [4, 1] exceeds its 11 values")]
fn a_matrix_does_not_go_beyond_its_values() {
    Matrix::new(&[0.0; 11], [3, 4], [4, 1]);
}
