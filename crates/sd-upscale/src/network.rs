use burn::tensor::{DType, Device, Tensor};
use sd_ops::lay_out;
use sd_weights::{Precision, Weights, WeightsError};

use crate::UpscaleError;
use crate::compact::{CompactNet, CompactNetConfig};
use crate::rrdb::{RrdbNet, RrdbNetConfig};

/// The configuration of a network, of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkConfig {
    /// The network of ESRGAN and Real-ESRGAN.
    Rrdb(RrdbNetConfig),
    /// The small network of Real-ESRGAN.
    Compact(CompactNetConfig),
}

impl NetworkConfig {
    /// The factor between the sides of the output and of the input.
    pub fn scale(&self) -> usize {
        match self {
            Self::Rrdb(config) => config.scale(),
            Self::Compact(config) => config.scale,
        }
    }

    /// The sides of the network's input are multiples of this.
    pub(crate) fn multiple(&self) -> usize {
        match self {
            Self::Rrdb(config) => config.unshuffle,
            Self::Compact(_) => 1,
        }
    }

    pub(crate) fn load(
        &self,
        weights: &Weights,
        device: &Device,
        precision: Precision,
    ) -> Result<Network, WeightsError> {
        Ok(match self {
            Self::Rrdb(config) => Network::Rrdb(Box::new(lay_out(weights.load(config.init(device), precision)?))),
            Self::Compact(config) => Network::Compact(lay_out(weights.load(config.init(device), precision)?)),
        })
    }
}

/// A network of either kind.
#[derive(Debug)]
pub(crate) enum Network {
    Rrdb(Box<RrdbNet>),
    Compact(CompactNet),
}

impl Network {
    pub fn forward_with(
        &self,
        x: Tensor<4>,
        advance: &mut dyn FnMut() -> Result<(), UpscaleError>,
    ) -> Result<Tensor<4>, UpscaleError> {
        match self {
            Self::Rrdb(network) => network.forward_with(x, advance),
            Self::Compact(network) => network.forward_with(x, advance),
        }
    }

    pub fn steps(&self) -> usize {
        match self {
            Self::Rrdb(network) => network.steps(),
            Self::Compact(network) => network.steps(),
        }
    }

    pub fn dtype(&self) -> DType {
        match self {
            Self::Rrdb(network) => network.dtype(),
            Self::Compact(network) => network.dtype(),
        }
    }
}
