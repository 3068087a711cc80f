//! An image or a row has the same bits, whatever is computed beside it.

use super::{isas, values};
use crate::kernel::attention::{Heads, View, forward};
use crate::kernel::conv::forward::convolve;
use crate::kernel::conv::weights::Weights;
use crate::kernel::conv::window::Window;
use crate::kernel::gemm::Matrix;
use crate::kernel::group_norm::{self, Groups};
use crate::kernel::linear::{Places, Weight, linear};
use crate::kernel::weight_slice::WeightSlice;

/// Images beside each other, so many that all ways of computing them would pay.
const IMAGES: usize = 17;

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_convolved_image_is_the_same_alone_and_in_any_batch() {
    for (inputs, outputs) in [(5, 7), (24, 30), (130, 26)] {
        // With 1, 4, 9, 12 and 16 tiles of Winograd's.
        for size in [[4, 4], [8, 7], [9, 12], [12, 16], [16, 16]] {
            let window = |batch| Window {
                batch,
                inputs,
                outputs,
                size,
                out: size,
                kernel: [3, 3],
                stride: 1,
                before: [1, 1],
                joint: false,
            };
            let all = window(IMAGES);
            let (x, weight, bias) =
                (values(IMAGES * all.image(), 1), values(outputs * all.terms(), 2), values(outputs, 3));
            let weights = Weights {
                values: WeightSlice::F32(&weight),
                start: 0,
                outputs: 9 * inputs as isize,
                inputs: 9,
                rows: 3,
                columns: 1,
            };
            for isa in isas() {
                let together = convolve(isa, &all, &x, weights, Some(&bias));
                for count in [1, 2] {
                    let alone = convolve(isa, &window(count), &x[..count * all.image()], weights, Some(&bias));
                    assert_eq!(bits(&alone), bits(&together[..alone.len()]), "{count} of {all:?}, {isa:?}");
                }
            }
        }
    }
}

#[test]
fn attention_linear_layers_and_norms_are_the_same_alone_and_in_any_batch() {
    let (heads, width, tokens) = (2, 24, 37);
    let all = |batch| Heads { batch, heads, queries: tokens, keys: tokens, width, causal: false, half: false };
    let row = heads * width;
    let [q, k, v] = [1, 2, 3].map(|seed| values(IMAGES * tokens * row, seed));
    let attended = |isa, batch| {
        let view = |data| View::new(data, 0, [tokens * row, width, row], [batch, heads, tokens, width]);
        forward::forward(isa, &all(batch), view(&q), view(&k), view(&v)).0
    };
    let (outputs, norm) = (50, |batch| Groups { batch, groups: 4, channels: 3, pixels: 37, eps: 1e-5, silu: true });
    let [weight, bias, gamma] = [(row * outputs, 4), (outputs, 5), (12, 6)].map(|(count, seed)| values(count, seed));
    let projected = |isa, batch: usize| {
        let rows = Matrix::new(&q, [batch * tokens, row], [row, 1]);
        let places = Places::Apart([outputs, 1]);
        let weight = Weight { values: WeightSlice::F32(&weight), sizes: [row, outputs], places };
        linear(isa, &[rows], &weight, &bias, false)
    };
    let normalised = |isa, batch| group_norm::forward(isa, &norm(batch), &q[..norm(batch).len()], &gamma, &gamma).0;
    for isa in isas() {
        for (name, computed) in [
            ("attention", &attended as &dyn Fn(_, _) -> Vec<f32>),
            ("a linear layer", &projected),
            ("a group norm", &normalised),
        ] {
            let together = computed(isa, IMAGES);
            let alone = computed(isa, 1);
            assert_eq!(bits(&alone), bits(&together[..alone.len()]), "{name}, {isa:?}");
        }
    }
}
