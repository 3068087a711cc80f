//! Weights in quantized blocks: the same sums, bit for bit, as with the weights that they are widened to.

use sd_quant::{BlockKind, Blocks};

use super::{isas, values};
use crate::kernel::conv::forward::convolve;
use crate::kernel::conv::weights::Weights;
use crate::kernel::conv::window::Window;
use crate::kernel::gemm::Matrix;
use crate::kernel::linear::{Places, Weight, linear};
use crate::kernel::weight_slice::WeightSlice;

/// Returns blocks of random integers with small scales, and their weights in single precision.
fn blocks(kind: BlockKind, count: usize) -> (Vec<u8>, Vec<f32>) {
    let mut bytes: Vec<u8> =
        values(count / kind.values() * kind.bytes(), 7).iter().map(|x| (x * 255.0) as i8 as u8).collect();
    for block in bytes.chunks_exact_mut(kind.bytes()) {
        // The upper bytes of half-precision numbers: an exponent of −9, and signs and fractions as they come.
        for at in [1, 3, kind.bytes() - 1] {
            block[at] = block[at] & 0x83 | 0x18;
        }
    }
    let mut wide = vec![0.0; count];
    Blocks::new(kind, &bytes).widen(0, &mut wide);
    (bytes, wide)
}

#[test]
fn linear_layers_multiply_with_the_widened_weights() {
    for kind in BlockKind::ALL {
        // Outputs that are no whole panels, blocks that reach into the next output, and terms in several parts.
        for [rows, terms, columns] in [[1_usize, 256, 3], [7, 64, 36], [40, 320, 64], [9, 1600, 32]] {
            let (bytes, wide) = blocks(kind, (terms * columns).next_multiple_of(kind.values()));
            let x = values(rows * terms, 1);
            let bias = values(columns, 3);
            let vectors = [Matrix::new(&x, [rows, terms], [terms, 1])];
            for isa in isas() {
                for gated in [false, true].into_iter().filter(|gated| !gated || columns % 2 == 0) {
                    let [found, expected] = [WeightSlice::Blocks(Blocks::new(kind, &bytes)), WeightSlice::F32(&wide)]
                        .map(|values| {
                            let weight = Weight { values, sizes: [terms, columns], places: Places::Apart([1, terms]) };
                            linear(isa, &vectors, &weight, &bias, gated)
                        });
                    assert!(found == expected, "{kind}, {isa:?}, {rows}×{terms}×{columns}, {gated}");
                }
            }
        }
    }
}

#[test]
fn convolutions_multiply_with_the_widened_weights() {
    for kind in BlockKind::ALL {
        for (batch, inputs, outputs, edge, kernel, stride) in [
            // Term by term; as a product, because there are many weights or because it is pointwise; Winograd's.
            (2, 32, 8, 6, 3, 2),
            (1, 256, 256, 5, 3, 2),
            (2, 64, 20, 9, 1, 1),
            (1, 32, 64, 17, 3, 1),
        ] {
            let before = [(kernel / 2) as isize; 2];
            let (size, out) = ([edge; 2], [(edge - 1) / stride + 1; 2]);
            let window =
                Window { batch, inputs, outputs, size, out, kernel: [kernel; 2], stride, before, joint: false };
            let (bytes, wide) = blocks(kind, (outputs * window.terms()).next_multiple_of(kind.values()));
            let x = values(batch * window.image(), 1);
            for isa in isas() {
                let [found, expected] =
                    [WeightSlice::Blocks(Blocks::new(kind, &bytes)), WeightSlice::F32(&wide)].map(|values| {
                        let (inputs, rows) = ((kernel * kernel) as isize, kernel as isize);
                        let outputs = window.terms() as isize;
                        let weights = Weights { values, start: 0, outputs, inputs, rows, columns: 1 };
                        convolve(isa, &window, &x, weights, None)
                    });
                assert!(found == expected, "{kind}, {isa:?}, {window:?}");
            }
        }
    }
}
