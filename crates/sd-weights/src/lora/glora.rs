use burn::tensor::Tensor;

use super::factor::Factor;
use super::source::Source;
use crate::WeightsError;
use crate::tensor_view::matrix_shape;

/// A change that depends on the weight: `weight · A + B`, with `A` and `B` of low rank (GLoRA, Chavan et al. 2023,
/// equation 10).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Glora {
    /// `[input, rank]` and `[rank, input]`, whose product is `A`.
    a: [String; 2],
    b: Factor,
}

impl Glora {
    /// Takes the tensors as LyCORIS names them. Before version 2 it had the factors of each product in the other order.
    pub fn new([a1, a2]: [String; 2], [b1, b2]: [String; 2], source: &Source) -> Self {
        let [rows, columns] = matrix_shape(source.shape(&a2));
        if rows <= columns {
            Self { a: [a1, a2], b: Factor::Product(b1, b2) }
        } else {
            Self { a: [a2, a1], b: Factor::Product(b2, b1) }
        }
    }

    pub fn rank(&self, source: &Source) -> Option<usize> {
        self.b.rank(source)
    }

    /// Returns its rows and columns; `None` if the tensors do not fit each other or a weight of `shape`.
    pub fn shape(&self, shape: &[usize], source: &Source) -> Option<[usize; 2]> {
        let [[inputs, rank], second] = [&self.a[0], &self.a[1]].map(|key| matrix_shape(source.shape(key)));
        let is_sound = second == [rank, inputs] && shape.get(1) == Some(&inputs) && self.b.is_sound(source);
        is_sound.then(|| self.b.shape(source))
    }

    /// Computes what to add to `weight`, without its strength.
    pub fn read(&self, weight: &Tensor<2>, source: &Source) -> Result<Tensor<2>, WeightsError> {
        let device = weight.device();
        let [first, second] = [source.matrix(&self.a[0], &device)?, source.matrix(&self.a[1], &device)?];
        let [outputs, columns] = weight.dims();
        let inputs = first.dims()[0];
        let kernel = columns / inputs;
        let by_input = weight.clone().reshape([outputs, inputs, kernel]).swap_dims(1, 2);
        let turned = by_input.reshape([outputs * kernel, inputs]).matmul(first).matmul(second);
        let turned = turned.reshape([outputs, kernel, inputs]).swap_dims(1, 2).reshape([outputs, columns]);
        Ok(turned + self.b.read(source, &device)?)
    }
}
