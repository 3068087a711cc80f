use super::{levels, numbers};
use crate::kernel::gemm::Matrix;
use crate::kernel::linear::{Weight, linear};
use crate::kernel::numbers::Numbers;

/// Rows, terms and columns, none of them a multiple of a tile's, a block's or a vector's in all.
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
        let [left, right_numbers] = [numbers(2 * rows * terms, 1), numbers(terms * columns, 2)];
        let bias = numbers(columns, 3);
        for (turned_left, turned_right) in [(false, false), (false, true), (true, false), (true, true)] {
            let apart = |turned: bool, [rows, columns]: [usize; 2]| if turned { [1, rows] } else { [columns, 1] };
            let left_apart = apart(turned_left, [rows, terms]);
            let right_apart = apart(turned_right, [terms, columns]);
            let lefts = [0, rows * terms].map(|start| Matrix::new(&left[start..], [rows, terms], left_apart));
            let right = Weight { numbers: Numbers::F32(&right_numbers), sizes: [terms, columns], apart: right_apart };
            for level in levels() {
                let found = linear(level, &lefts, &right, &bias, false);
                assert_eq!(found.len(), 2 * rows * columns);
                for (at, found) in found.into_iter().enumerate() {
                    let (row, n) = (at / columns, at % columns);
                    let start = row / rows * rows * terms + row % rows * left_apart[0];
                    let (mut sum, mut absolute) = (f64::from(bias[n]), f64::from(bias[n].abs()));
                    for k in 0..terms {
                        let [a, b] =
                            [left[start + k * left_apart[1]], right_numbers[k * right_apart[0] + n * right_apart[1]]]
                                .map(f64::from);
                        sum += a * b;
                        absolute += (a * b).abs();
                    }
                    let apart = (f64::from(found) - sum).abs();
                    assert!(apart <= 1e-6 * absolute, "{level:?}, {rows}×{terms}×{columns}, {at}: {found}, not {sum}");
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "[3, 4] [4, 1] of 11")]
fn a_matrix_does_not_go_beyond_its_numbers() {
    Matrix::new(&[0.0; 11], [3, 4], [4, 1]);
}
