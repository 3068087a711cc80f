use std::collections::BTreeMap;

use sd_weights::control::{ControlKind, ControlLayout};

use super::file::{ControlFile, Network};
use crate::component::component;

/// Description of a control network, from its file's header and config.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlSummary {
    /// What the file holds.
    pub kind: ControlKind,
    /// The family of models that it is for, in words.
    pub family: &'static str,
    /// Whose names its tensors have.
    pub layout: ControlLayout,
    /// Channels of the image that it reads.
    pub hint_channels: usize,
    /// Channels of each of its levels, the finest first; empty for a change of a U-Net.
    pub channels: Vec<usize>,
    /// Width of the text embeddings that it reads, if it reads any.
    pub text_width: Option<usize>,
    /// The conditions of a network for several.
    pub conditions: Vec<&'static str>,
    /// Whether its outputs are averaged over the image.
    pub averages: bool,
    /// Number of parameters in the file.
    pub parameters: usize,
    /// The types of the weights in the file, the most frequent first.
    pub precision: Vec<String>,
    /// The file's metadata.
    pub metadata: BTreeMap<String, String>,
    /// Assumptions about the network.
    pub notes: Vec<String>,
}

impl ControlFile {
    /// Returns a description of the network.
    pub fn summary(&self) -> ControlSummary {
        let (channels, text_width) = match &self.network {
            Network::Net(config) | Network::Inferred(config) => {
                let levels = config.unet.levels.iter().map(|level| level.channels);
                (levels.collect(), Some(config.unet.cross_attention_dim))
            }
            Network::Change(change) => (Vec::new(), change.text),
            Network::Adapter(config) => (config.feature_channels(), None),
        };
        let own = component("control", &self.weights.own);
        ControlSummary {
            kind: self.kind(),
            family: self.family_name().unwrap_or("unknown"),
            layout: self.weights.layout,
            hint_channels: self.hint_channels(),
            channels,
            text_width,
            conditions: self.condition_types(),
            averages: self.averages(),
            parameters: own.parameters,
            precision: own.precision,
            metadata: self.weights.own.metadata().clone(),
            notes: self.notes.clone(),
        }
    }
}
