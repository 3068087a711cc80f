//! The matrices of each kind of adapter: their names in files, their shapes, and how they begin.

use burn::tensor::Tensor;

use super::config::AdapterKind;
use crate::random::Stream;

/// A matrix of an adapter before training.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Factor {
    /// Its name in files of kohya's programs and LyCORIS.
    pub name: &'static str,
    pub shape: [usize; 2],
    pub start: Start,
    /// The dimensions that a convolution's file has after the first two.
    pub kernel: Kernel,
}

/// The dimensions of a matrix in a file of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    /// Two dimensions, as the matrix itself.
    None,
    /// Those of the convolution's kernel, split off the columns.
    Whole,
    /// Ones: it is a 1×1 convolution.
    Ones,
}

/// The first values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Start {
    Zeros,
    /// Uniform within `±1/sqrt(columns)`, as PyTorch's linear layers begin and kohya's `lora_down`.
    Uniform,
    /// Normal with this standard deviation.
    Normal(f64),
}

impl Start {
    pub fn draw(self, [rows, columns]: [usize; 2], mut stream: Stream) -> Vec<f64> {
        let count = rows * columns;
        match self {
            Self::Zeros => vec![0.0; count],
            Self::Uniform => {
                let bound = 1.0 / (columns as f64).sqrt();
                (0..count).map(|_| bound * (2.0 * stream.uniform() - 1.0)).collect()
            }
            Self::Normal(deviation) => stream.normals().take(count).map(|x| deviation * x).collect(),
        }
    }
}

/// Returns the matrices of an adapter for a weight `[outputs, inputs, kernel]`, as LyCORIS 3 makes them.
pub(super) fn factors(kind: AdapterKind, rank: usize, weight: [usize; 3]) -> Vec<Factor> {
    let [outputs, inputs, kernel] = weight;
    let rest = inputs * kernel;
    let factor = |name, shape, start, kernel| Factor { name, shape, start, kernel };
    let flat = |name, shape, start| factor(name, shape, start, Kernel::None);
    match kind {
        AdapterKind::Lora | AdapterKind::Dora => vec![
            factor("lora_down.weight", [rank, rest], Start::Uniform, Kernel::Whole),
            factor("lora_up.weight", [outputs, rank], Start::Zeros, Kernel::Ones),
        ],
        AdapterKind::LoHa => vec![
            flat("hada_w1_a", [outputs, rank], Start::Normal(0.1)),
            flat("hada_w1_b", [rank, rest], Start::Normal(1.0)),
            flat("hada_w2_a", [outputs, rank], Start::Zeros),
            flat("hada_w2_b", [rank, rest], Start::Normal(1.0)),
        ],
        AdapterKind::LoKr => {
            let ([l, k], [m, n]) = (split(outputs), split(inputs));
            let first = flat("lokr_w1", [l, m], Start::Uniform);
            if 2 * rank >= k.max(n) {
                return vec![first, factor("lokr_w2", [k, n * kernel], Start::Zeros, Kernel::Whole)];
            }
            vec![
                first,
                flat("lokr_w2_a", [k, rank], Start::Uniform),
                flat("lokr_w2_b", [rank, n * kernel], Start::Zeros),
            ]
        }
    }
}

/// Returns the change that matrices of [`factors`] make.
///
/// # Shapes
///
/// - output: `[outputs, inputs·kernel]`
pub(super) fn change(kind: AdapterKind, factors: &[Tensor<2>]) -> Tensor<2> {
    let product = |left: &Tensor<2>, right: &Tensor<2>| left.clone().matmul(right.clone());
    match (kind, factors) {
        (AdapterKind::Lora | AdapterKind::Dora, [down, up]) => product(up, down),
        (AdapterKind::LoHa, [a, b, c, d]) => product(a, b) * product(c, d),
        (AdapterKind::LoKr, [first, second]) => kronecker(first.clone(), second.clone()),
        (AdapterKind::LoKr, [first, a, b]) => kronecker(first.clone(), product(a, b)),
        _ => panic!("{} matrices are no {kind:?}", factors.len()),
    }
}

/// Every element of the first times all of the second.
fn kronecker(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let ([ra, ca], [rb, cb]) = (a.dims(), b.dims());
    (a.reshape([ra, 1, ca, 1]) * b.reshape([1, rb, 1, cb])).reshape([ra * rb, ca * cb])
}

/// Returns the two factors of a number that are nearest to its root, the smaller one first.
fn split(number: usize) -> [usize; 2] {
    let root = (1..=number).take_while(|n| n * n <= number).filter(|n| number.is_multiple_of(*n)).last();
    let root = root.expect("every number above 0 has the factor 1");
    [root, number / root]
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn numbers_are_split_near_their_root() {
        assert_eq!([320, 64, 7, 1].map(split), [[16, 20], [8, 8], [1, 7], [1, 1]]);
    }

    #[test]
    fn every_kind_makes_a_change_of_its_weights_shape_that_begins_with_zero() {
        let device = Device::flex();
        for kind in [AdapterKind::Lora, AdapterKind::Dora, AdapterKind::LoHa, AdapterKind::LoKr] {
            for (rank, weight) in [(1, [6, 10, 9]), (4, [8, 4, 1])] {
                let tensors: Vec<Tensor<2>> = factors(kind, rank, weight)
                    .into_iter()
                    .enumerate()
                    .map(|(i, Factor { shape, start, .. })| {
                        let stream = Stream::new(1, crate::Purpose::Initial, i as u64);
                        let values = start.draw(shape, stream);
                        Tensor::from_data(burn::tensor::TensorData::new(values, shape), &device)
                    })
                    .collect();
                let change = change(kind, &tensors);
                assert_eq!(change.dims(), [weight[0], weight[1] * weight[2]], "{kind:?}");
                assert!(change.into_data().iter::<f32>().all(|value| value == 0.0), "{kind:?}");
            }
        }
    }
}
