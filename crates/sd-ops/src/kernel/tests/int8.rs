//! Linear layers as products of integers: their definition, and the same bits on all instruction sets.

use sd_quant::Panels;

use super::{isas, values};
use crate::kernel::activation::{self, Activation};
use crate::kernel::gemm::Matrix;
use crate::kernel::int8::linear;
use crate::kernel::simd::{DotIsa, Isa};

/// Rows, blocks of inputs and panels of outputs: rows that are no whole tiles, and panels that are no pairs.
const SIZES: [[usize; 3]; 7] = [[1, 1, 1], [4, 2, 2], [5, 3, 3], [6, 1, 4], [13, 10, 2], [130, 5, 5], [301, 20, 6]];

/// Returns all instruction sets for products of bytes.
fn all() -> Vec<DotIsa> {
    let mut all: Vec<DotIsa> = Vec::new();
    for dots in isas().into_iter().flat_map(DotIsa::all) {
        if !all.contains(&dots) {
            all.push(dots);
        }
    }
    all
}

/// Returns the bytes of panels with all integers, also −128, and scales of about 2⁻⁹; and the weights, output by output.
fn panels(blocks: usize, count: usize) -> (Vec<u8>, Vec<f64>) {
    let inputs = 32 * blocks;
    let mut bytes: Vec<u8> =
        values(count * Panels::bytes_of_panel(inputs), 7).iter().map(|x| (x * 256.0) as i32 as u8).collect();
    for block in bytes.chunks_exact_mut(Panels::BYTES) {
        for scale in block[Panels::INTEGERS..].chunks_exact_mut(2) {
            scale[1] = scale[1] & 0x83 | 0x18;
        }
    }
    let packed = Panels::new(&bytes, inputs);
    let mut weights = Vec::new();
    for at in 0..16 * count * inputs {
        let (output, input) = (at / inputs, at % inputs);
        let (integers, scales) = packed.block(output / 16, input / 32);
        let integer = integers[(input % 32 / 4 * 16 + output % 16) * 4 + input % 4] as i8;
        weights.push(f64::from(integer) * f64::from(scales[output % 16]));
    }
    (bytes, weights)
}

/// The inputs as they are rounded: the integers times the scales.
fn rounded(x: &[f32]) -> Vec<f64> {
    let block = |x: &[f32]| {
        let scale = x.iter().fold(0.0_f32, |most, x| most.max(x.abs())) / 127.0;
        let step = move |x: &f32| f64::from((x * (1.0 / scale)).round_ties_even()) * f64::from(scale);
        x.iter().map(step).collect::<Vec<f64>>()
    };
    x.chunks(32).flat_map(block).collect()
}

fn matrix(x: &[f32], inputs: usize) -> Matrix<'_> {
    Matrix::new(x, [x.len() / inputs, inputs], [inputs, 1])
}

#[test]
fn outputs_are_the_sums_of_the_rounded_inputs_times_the_weights() {
    for [rows, blocks, count] in SIZES {
        let (inputs, outputs) = (32 * blocks, 16 * count);
        let (x, bias, (bytes, weights)) = (values(rows * inputs, 1), values(outputs, 3), panels(blocks, count));
        let integers = rounded(&x);
        let found = linear(all()[0], &[matrix(&x, inputs)], Panels::new(&bytes, inputs), &bias, false);
        assert_eq!(found.len(), rows * outputs);
        for (at, found) in found.into_iter().enumerate() {
            let (row, output) = (at / outputs, at % outputs);
            let (mut sum, mut absolute, mut step) = (f64::from(bias[output]), f64::from(bias[output].abs()), 0.0);
            let mut exact = sum;
            for k in 0..inputs {
                let (weight, value) = (weights[output * inputs + k], integers[row * inputs + k]);
                sum += weight * value;
                absolute += (weight * value).abs();
                exact += weight * f64::from(x[row * inputs + k]);
                // Values reach to 0.5, so half a step is at most 0.25/127.
                step += weight.abs() * 0.25 / 127.0;
            }
            assert!((f64::from(found) - sum).abs() <= 1e-6 * absolute, "{rows}×{blocks}×{count}, {at}: {found}, {sum}");
            assert!((f64::from(found) - exact).abs() <= step + 1e-6 * absolute, "{at}: {found}, {exact}");
        }
    }
}

#[test]
fn all_instructions_give_the_same_bits() {
    for [rows, blocks, count] in SIZES {
        let (inputs, outputs) = (32 * blocks, 16 * count);
        let (x, bias, (bytes, _)) = (values(rows * inputs, 1), values(outputs, 3), panels(blocks, count));
        // The rows in two matrices, of which the second is turned.
        let (first, second) = x.split_at(rows / 2 * inputs);
        let below = second.len() / inputs;
        let turned: Vec<f32> = (0..second.len()).map(|i| second[i % below * inputs + i / below]).collect();
        let second = Matrix::new(&turned, [below, inputs], [1, below]);
        let panels = Panels::new(&bytes, inputs);
        let expected = linear(DotIsa::Portable(Isa::Plain), &[matrix(&x, inputs)], panels, &bias, false);
        for dots in all() {
            let found = linear(dots, &[matrix(first, inputs), second], panels, &bias, false);
            assert!(bits(&found) == bits(&expected), "{dots:?}, {rows}×{blocks}×{count}");
        }
    }
}

#[test]
fn the_largest_integers_do_not_overflow() {
    let (inputs, scale) = (64, half::f16::from_f32(1.0).to_le_bytes());
    for integer in [127_i8, -127, -128] {
        let mut bytes = [[integer as u8; Panels::INTEGERS], [0; Panels::INTEGERS]].concat();
        bytes.truncate(Panels::BYTES);
        bytes[Panels::INTEGERS..].chunks_exact_mut(2).for_each(|to| to.copy_from_slice(&scale));
        let bytes = bytes.repeat(2);
        for sign in [1.0, -1.0] {
            let x = vec![127.0 * sign; 3 * inputs];
            for dots in all() {
                let found = linear(dots, &[matrix(&x, inputs)], Panels::new(&bytes, inputs), &[0.5; 16], false);
                let expected = 64.0 * 127.0 * sign * f32::from(integer) + 0.5;
                assert!(found.iter().all(|found| *found == expected), "{dots:?}: {}, not {expected}", found[0]);
            }
        }
    }
}

#[test]
fn gates_are_applied_to_the_same_sums() {
    for [rows, blocks, count] in SIZES.into_iter().filter(|[.., count]| count % 2 == 0) {
        let (inputs, outputs) = (32 * blocks, 16 * count);
        let (x, bias, (bytes, _)) = (values(rows * inputs, 1), values(outputs, 3), panels(blocks, count));
        let (x, panels) = ([matrix(&x, inputs)], Panels::new(&bytes, inputs));
        for dots in all() {
            let sums = linear(dots, &x, panels, &bias, false);
            let expected = activation::forward(Isa::Plain, Activation::Geglu { width: outputs / 2 }, &sums);
            let found = linear(dots, &x, panels, &bias, true);
            assert_eq!(found.len(), expected.len());
            // The exponential is rounded otherwise on other instruction sets.
            let is_close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
            assert!(found.iter().zip(&expected).all(is_close), "{dots:?}, {rows}×{blocks}×{count}");
        }
    }
}

#[test]
fn a_row_is_the_same_alone_and_beside_others_and_on_any_number_of_threads() {
    let [rows, blocks, count] = [301, 20, 6];
    let (inputs, outputs) = (32 * blocks, 16 * count);
    let (x, bias, (bytes, _)) = (values(rows * inputs, 1), values(outputs, 3), panels(blocks, count));
    let product = |dots, x: &[f32]| linear(dots, &[matrix(x, inputs)], Panels::new(&bytes, inputs), &bias, false);
    for dots in all() {
        let together = product(dots, &x);
        for row in [0, 5, 300] {
            let alone = product(dots, &x[row * inputs..][..inputs]);
            assert!(bits(&alone) == bits(&together[row * outputs..][..outputs]), "{dots:?}, row {row}");
        }
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let there = pool.install(|| product(dots, &x));
            assert!(bits(&there) == bits(&together), "{dots:?}, {threads} threads");
        }
    }
}

#[test]
fn what_is_not_finite_stays_so_in_its_row() {
    let (inputs, (bytes, _)) = (64, panels(2, 2));
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = values(7 * inputs, 1);
        x[3 * inputs + 40] = wrong;
        for dots in all() {
            let found = linear(dots, &[matrix(&x, inputs)], Panels::new(&bytes, inputs), &[0.0; 32], false);
            for (row, found) in found.chunks(32).enumerate() {
                assert!(found.iter().all(|x| x.is_finite() == (row != 3)), "{dots:?}, {wrong}, row {row}");
            }
        }
    }
}

#[test]
fn no_rows_have_no_outputs() {
    let (bytes, _) = panels(1, 1);
    for dots in all() {
        assert!(linear(dots, &[matrix(&[], 32)], Panels::new(&bytes, 32), &[0.0; 16], false).is_empty());
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}
