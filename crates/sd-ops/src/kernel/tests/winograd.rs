use super::{Sum, each_product, isas, values};
use crate::kernel::conv::weights::Weights;
use crate::kernel::conv::window::Window;
use crate::kernel::conv::winograd::convolve;
use crate::kernel::weight_slice::WeightSlice;

#[test]
fn tiles_give_the_sums_of_the_definition() {
    for (batch, inputs, outputs, size, before) in [
        (1, 1, 1, [1, 1], 1),
        (2, 3, 5, [5, 7], 1),
        (1, 20, 13, [4, 9], 0),
        (1, 70, 7, [16, 17], 2),
        (2, 5, 6, [40, 52], 1),
        (1, 800, 6, [8, 8], 1),
        (1, 320, 6, [32, 32], 1),
    ] {
        let out = size.map(|edge: usize| (edge + 2 * before).saturating_sub(2));
        let before = [before as isize; 2];
        let window = Window { batch, inputs, outputs, size, out, kernel: [3, 3], stride: 1, before, joint: false };
        let x = values(batch * window.image(), 1);
        let weight = values(outputs * window.terms(), 2);
        let bias = values(outputs, 3);
        let bias_at = |at: usize| f64::from(bias[at / window.pixels() % outputs]);
        let mut expected: Vec<Sum> = (0..batch * outputs * window.pixels()).map(|at| Sum::new(bias_at(at))).collect();
        each_product(&window, |[o, i, w]| expected[o].add(f64::from(x[i]) * f64::from(weight[w])));
        // The transforms mix the inputs of a tile's outputs, so the largest output bounds the error of all.
        let largest = expected.iter().fold(0.0_f64, |most, sum| most.max(sum.absolute));
        let weights = Weights {
            values: WeightSlice::F32(&weight),
            start: 0,
            outputs: 9 * inputs as isize,
            inputs: 9,
            rows: 3,
            columns: 1,
        };
        for isa in isas() {
            let found = convolve(isa, &window, &x, weights, Some(&bias));
            let apart = |(found, expected): (&f32, &Sum)| (f64::from(*found) - expected.sum).abs() / largest;
            let worst = found.iter().zip(&expected).map(apart).fold(0.0, f64::max);
            assert!(found.len() == expected.len() && worst < 2e-6, "{window:?}, {isa:?}: {worst}");
        }
    }
}
