use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use sd_weights::{Component, LoraLayer, LoraTensor};

use super::config::{AdapterConfig, AdapterKind};
use super::factors::{Factor, Kernel, change, factors};
use super::row_dropout::RowDropout;
use crate::random::{Purpose, Stream};

/// The trained change of one layer's weight.
#[derive(Module, Debug)]
pub struct Adapter {
    factors: Vec<Param<Tensor<2>>>,
    /// DoRA's lengths of the rows, `[outputs]`.
    magnitude: Option<Param<Tensor<1>>>,
    #[module(skip)]
    layer: Layer,
}

/// The layer that an [`Adapter`] changes.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub component: Component,
    /// The name of its weight, without the end.
    pub path: String,
    /// The number of its weight among the network's parameters.
    pub index: usize,
    /// The weight's shape in a file: `[outputs, inputs]` or `[outputs, inputs, height, width]`.
    pub shape: Vec<usize>,
    pub config: AdapterConfig,
}

impl Layer {
    /// Returns `[outputs, inputs, kernel]`.
    fn sizes(&self) -> [usize; 3] {
        [self.shape[0], self.shape[1], self.shape[2..].iter().product()]
    }

    /// Whether it is a linear layer, whose weight a network has as `[inputs, outputs]`.
    fn is_linear(&self) -> bool {
        self.shape.len() == 2
    }

    /// Returns a network's weight as a matrix `[outputs, inputs·kernel]`.
    fn matrix<const D: usize>(&self, weight: Tensor<D>) -> Tensor<2> {
        let [outputs, inputs, kernel] = self.sizes();
        if self.is_linear() {
            weight.reshape([inputs, outputs]).transpose()
        } else {
            weight.reshape([outputs, inputs * kernel])
        }
    }

    /// The inverse of [`matrix`](Self::matrix).
    fn weight<const D: usize>(&self, matrix: Tensor<2>, shape: [usize; D]) -> Tensor<D> {
        if self.is_linear() { matrix.transpose().reshape(shape) } else { matrix.reshape(shape) }
    }

    fn factors(&self) -> Vec<Factor> {
        factors(self.config.kind, self.config.rank, self.sizes())
    }

    /// Counts the values of the adapter.
    pub fn count_weights(&self) -> usize {
        let lengths = if self.config.kind == AdapterKind::Dora { self.shape[0] } else { 0 };
        lengths + self.factors().iter().map(|factor| factor.shape[0] * factor.shape[1]).sum::<usize>()
    }

    /// The factor of the change: alpha over the rank, or 1 for matrices without a rank.
    fn strength(&self) -> f64 {
        let AdapterConfig { rank, alpha, .. } = self.config;
        if self.has_rank() { alpha / rank as f64 } else { 1.0 }
    }

    fn has_rank(&self) -> bool {
        self.config.kind != AdapterKind::LoKr || self.factors().len() == 3
    }
}

impl Adapter {
    /// Creates the adapter of a layer whose weight is `weight`, on an autodiff device; `seed` and the layer's place decide its
    /// first values.
    pub(super) fn new<const D: usize>(layer: Layer, weight: Tensor<D>, seed: u64, device: &Device) -> Self {
        let dtype = weight.dtype();
        let factors = layer.factors().into_iter().zip(0..).map(|(Factor { shape, start, .. }, number)| {
            let values = start.draw(shape, Stream::new(seed, Purpose::Initial, 8 * layer.index as u64 + number));
            Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), (device, dtype)))
        });
        let factors = factors.collect();
        let magnitude = (layer.config.kind == AdapterKind::Dora).then(|| {
            let lengths = lengths(layer.matrix(weight)).reshape([layer.shape[0]]).into_data();
            Param::from_tensor(Tensor::from_data(lengths, (device, dtype)))
        });
        Self { factors, magnitude, layer }
    }

    /// The number of its weight among the network's parameters.
    pub(super) fn index(&self) -> usize {
        self.layer.index
    }

    /// Returns the changed weight, of the same shape.
    pub(super) fn apply<const D: usize>(&self, weight: Tensor<D>, dropout: Option<&mut RowDropout>) -> Tensor<D> {
        let (shape, device, dtype) = (weight.dims(), weight.device(), weight.dtype());
        let weight = self.layer.matrix(weight);
        let factors: Vec<Tensor<2>> = self.factors.iter().map(Param::val).collect();
        let mut change = change(self.layer.config.kind, &factors) * self.layer.strength();
        if let Some(kept) = dropout.and_then(|dropout| dropout.rows(self.layer.shape[0], &device, dtype)) {
            change = change * kept;
        }
        let changed = weight + change;
        let changed = match &self.magnitude {
            Some(magnitude) => changed.clone() / lengths(changed) * magnitude.val().reshape([self.layer.shape[0], 1]),
            None => changed,
        };
        self.layer.weight(changed, shape)
    }

    /// Returns the layer and its tensors, to be written by [`write_lora`](sd_weights::write_lora).
    pub fn to_layer(&self) -> LoraLayer {
        let Layer { component, path, shape, config, .. } = &self.layer;
        let tensor = |factor: Factor, values: &Param<Tensor<2>>| LoraTensor {
            name: factor.name,
            shape: file_shape(&factor, &shape[2..]),
            values: values.val().into_data().iter().collect(),
        };
        let mut tensors: Vec<LoraTensor> = self
            .layer
            .factors()
            .into_iter()
            .zip(&self.factors)
            .map(|(factor, values)| tensor(factor, values))
            .collect();
        tensors.extend(self.magnitude.as_ref().map(|magnitude| LoraTensor {
            name: "dora_scale",
            shape: shape.iter().enumerate().map(|(axis, length)| if axis == 0 { *length } else { 1 }).collect(),
            values: magnitude.val().into_data().iter().collect(),
        }));
        let (rank, alpha) = if self.layer.has_rank() { (config.rank, config.alpha) } else { (0, 1.0) };
        LoraLayer { component: *component, path: path.clone(), rank, alpha, tensors }
    }
}

/// Returns the length of each row, `[rows, 1]`.
fn lengths(matrix: Tensor<2>) -> Tensor<2> {
    // A row of zeros has no direction, and stays zero.
    matrix.square().sum_dim(1).clamp_min(f32::MIN_POSITIVE).sqrt()
}

/// Returns a factor's shape in the file of a layer with this kernel, which is empty for a linear layer.
fn file_shape(factor: &Factor, kernel: &[usize]) -> Vec<usize> {
    let [rows, columns] = factor.shape;
    match factor.kernel {
        _ if kernel.is_empty() => vec![rows, columns],
        Kernel::None => vec![rows, columns],
        Kernel::Whole => [&[rows, columns / kernel.iter().product::<usize>()], kernel].concat(),
        Kernel::Ones => vec![rows, columns, 1, 1],
    }
}
