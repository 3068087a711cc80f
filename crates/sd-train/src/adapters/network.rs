use std::collections::BTreeMap;
use std::iter::Peekable;
use std::slice::Iter;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use sd_weights::{Component, LoraLayer, parameters};

use super::adapter::{Adapter, Layer};
use super::config::AdapterConfig;
use super::row_dropout::RowDropout;

/// Changes of the weights of a network, which itself stays as it is.
///
/// A change is added to its weight before the layer is computed, and its gradient is taken from that of the weight. So every
/// kind of layer and of change has exact gradients, at the cost of those of the changed weights.
#[derive(Module, Debug)]
pub struct Adapters {
    adapters: Vec<Adapter>,
}

impl Adapters {
    /// Creates the adapters of a network's layers on an autodiff device. At first they change nothing; for DoRA, no more than
    /// rounding does.
    pub fn new<M: Module>(
        network: &M,
        component: Component,
        config: AdapterConfig,
        seed: u64,
        device: &Device,
    ) -> Self {
        let layers = layers(network, component, config).map(|layer| (layer.index, layer)).collect();
        let mut builder = Builder { layers, index: 0, seed, device, adapters: Vec::new() };
        network.visit(&mut builder);
        Self { adapters: builder.adapters }
    }

    /// Returns none: the adapters of a network that is not changed.
    pub fn none() -> Self {
        Self { adapters: Vec::new() }
    }

    /// Counts the values that adapters of a network have, without allocating them.
    pub fn count_weights<M: Module>(network: &M, component: Component, config: AdapterConfig) -> usize {
        layers(network, component, config).map(|layer| layer.count_weights()).sum()
    }

    /// Number of layers that are changed.
    pub fn len(&self) -> usize {
        self.adapters.len()
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.adapters.is_empty()
    }

    /// Returns the changed network. Give a network without autodiff, so that only the adapters have gradients.
    pub fn apply<M: Module>(&self, network: &M) -> M {
        self.merge(network, None)
    }

    /// Returns the network with the changes that `dropout` leaves.
    pub fn apply_with_dropout<M: Module>(&self, network: &M, dropout: &mut RowDropout) -> M {
        self.merge(network, Some(dropout))
    }

    fn merge<M: Module>(&self, network: &M, dropout: Option<&mut RowDropout>) -> M {
        network.clone().map(&mut Merge { adapters: self.adapters.iter().peekable(), index: 0, dropout })
    }

    /// Returns the layers and their tensors, to be written by [`write_lora`](sd_weights::write_lora).
    pub fn to_layers(&self) -> Vec<LoraLayer> {
        self.adapters.iter().map(Adapter::to_layer).collect()
    }
}

/// Returns the layers of a network that are changed, in the order of its parameters.
fn layers<M: Module>(network: &M, component: Component, config: AdapterConfig) -> impl Iterator<Item = Layer> {
    parameters(network).into_iter().enumerate().filter_map(move |(index, (key, shape))| {
        let path = key.strip_suffix(".weight").filter(|_| config.targets.contain(component, &key, &shape))?;
        Some(Layer { component, path: path.to_string(), index, shape, config })
    })
}

/// Creates adapters in the order of a network's parameters.
struct Builder<'a> {
    layers: BTreeMap<usize, Layer>,
    index: usize,
    seed: u64,
    device: &'a Device,
    adapters: Vec<Adapter>,
}

impl ModuleVisitor for Builder<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(layer) = self.layers.remove(&self.index) {
            self.adapters.push(Adapter::new(layer, param.val(), self.seed, self.device));
        }
        self.index += 1;
    }
}

/// Changes the weights that have adapters.
struct Merge<'a> {
    adapters: Peekable<Iter<'a, Adapter>>,
    index: usize,
    dropout: Option<&'a mut RowDropout>,
}

impl ModuleMapper for Merge<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let index = self.index;
        self.index += 1;
        match self.adapters.next_if(|adapter| adapter.index() == index) {
            Some(adapter) => Param::initialized(param.id, adapter.apply(param.val(), self.dropout.as_deref_mut())),
            None => param,
        }
    }
}
