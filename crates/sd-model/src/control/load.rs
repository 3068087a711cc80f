use burn::tensor::Device;
use sd_adapters::T2iAdapter;
use sd_ops::{Wrap, lay_out};
use sd_unet::ControlNet;
use sd_weights::Weights;

use super::file::{ControlFile, Network};
use crate::placed::{Placement, placed};
use crate::precision::precision;
use crate::{DType, ModelError};

/// A loaded control network.
#[derive(Debug, Clone)]
pub enum Control {
    /// A ControlNet, which runs in every step.
    Net(Box<ControlNet>),
    /// A T2I-Adapter, which runs once per drawing.
    Adapter(Box<T2iAdapter>),
}

impl Control {
    /// Returns the network for images that continue at the opposite edges.
    #[must_use]
    pub fn with_wrap(&self, wrap: Wrap) -> Self {
        match self {
            Self::Net(net) => Self::Net(Box::new(net.as_ref().clone().with_wrap(wrap))),
            Self::Adapter(adapter) => Self::Adapter(Box::new(adapter.as_ref().clone().with_wrap(wrap))),
        }
    }
}

impl ControlFile {
    /// Reads the weights onto `device`. `unet` has those of the model that the network was [added](crate::Model::add_control) to.
    pub(crate) fn load(
        &self,
        unet: &Weights,
        device: &Device,
        dtype: DType,
        placement: Placement,
    ) -> Result<Control, ModelError> {
        let weights = self.weights.complete(unet)?;
        let weights = placed(&weights, placement);
        let precision = precision(dtype, device);
        Ok(match &self.network {
            Network::Net(config) | Network::Inferred(config) => {
                Control::Net(Box::new(lay_out(weights.load(config.init(device), precision)?)))
            }
            Network::Adapter(config) => {
                Control::Adapter(Box::new(lay_out(weights.load(config.init(device), precision)?)))
            }
            Network::Change(_) => unreachable!("a network that is added has a configuration of its own"),
        })
    }
}
