use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use sd_ops::project;

use super::config::KeysValuesConfig;

/// The keys and values of image tokens for each cross-attention layer of a U-Net (Ye et al. 2023, section 3.2.2).
#[derive(Module, Debug)]
pub struct KeysValues {
    /// In the order of files.
    layers: Vec<KeyValue>,
    /// The place in `layers` of each layer, in the order in which the U-Net runs them.
    #[module(skip)]
    order: Vec<usize>,
}

#[derive(Module, Debug)]
struct KeyValue {
    to_k_ip: Linear,
    to_v_ip: Linear,
}

impl KeysValuesConfig {
    /// Creates the layers on `device`, with random weights.
    ///
    /// # Panics
    ///
    /// Panics unless the counts are those of the channels.
    pub fn init(&self, device: &Device) -> KeysValues {
        let (found, expected) = (self.channels.len(), self.counts.total());
        assert_eq!(found, expected, "channels of {found} layers for a U-Net with {expected}");
        let linear = |channels| LinearConfig::new(self.token_width, channels).with_bias(false).init(device);
        let layer = |&channels: &usize| KeyValue { to_k_ip: linear(channels), to_v_ip: linear(channels) };
        KeysValues { layers: self.channels.iter().map(layer).collect(), order: self.counts.run_order() }
    }
}

impl KeysValues {
    /// Returns the keys and values for each cross-attention layer, in the order in which the U-Net runs them: down, middle, up.
    ///
    /// # Shapes
    ///
    /// - tokens: `[batch, tokens, token_width]`
    /// - outputs: `[batch, tokens, channels]`, with the channels of the layer; its heads are not split yet
    ///
    /// # Panics
    ///
    /// Panics if the tokens have another width.
    pub fn forward(&self, tokens: Tensor<3>) -> Vec<(Tensor<3>, Tensor<3>)> {
        let layer = |&place: &usize| {
            let KeyValue { to_k_ip, to_v_ip } = &self.layers[place];
            (project(to_k_ip, tokens.clone()), project(to_v_ip, tokens.clone()))
        };
        self.order.iter().map(layer).collect()
    }
}
