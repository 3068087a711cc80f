use burn::nn::{GroupNorm, Linear, LinearConfig};
use burn::prelude::*;
use sd_ops::{Edges, attend, image, normalise, project, tokens};

use crate::resnet::{ResnetBlock, norm};

/// The coarsest resolution of encoder and decoder: attention between two residual blocks.
#[derive(Module, Debug)]
pub(crate) struct MidBlock {
    resnets: Vec<ResnetBlock>,
    attentions: Vec<Attention>,
}

impl MidBlock {
    pub fn new(groups: usize, channels: usize, device: &Device) -> Self {
        Self {
            resnets: (0..2).map(|_| ResnetBlock::new(groups, channels, channels, device)).collect(),
            attentions: vec![Attention::new(groups, channels, device)],
        }
    }

    pub fn forward(&self, x: Tensor<4>, edges: Edges) -> Tensor<4> {
        self.resnets[1].forward(self.attentions[0].forward(self.resnets[0].forward(x, edges)), edges)
    }
}

/// Single-head self-attention over the pixels, with a residual connection.
#[derive(Module, Debug)]
struct Attention {
    group_norm: GroupNorm,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
}

impl Attention {
    fn new(groups: usize, channels: usize, device: &Device) -> Self {
        let linear = || LinearConfig::new(channels, channels).init(device);
        Self {
            group_norm: norm(groups, channels, device),
            to_q: linear(),
            to_k: linear(),
            to_v: linear(),
            to_out: linear(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [.., height, width] = x.dims();
        let pixels = tokens(normalise(&self.group_norm, x.clone()));
        let attended = attend(
            &self.to_q,
            project(&self.to_q, pixels.clone()).unsqueeze_dim(1),
            project(&self.to_k, pixels.clone()).unsqueeze_dim(1),
            project(&self.to_v, pixels).unsqueeze_dim(1),
        );
        image(project(&self.to_out, attended.squeeze_dim::<3>(1)), height, width) + x
    }
}
