use burn::nn::{GroupNorm, GroupNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use sd_ops::{attention, image, normalise, project, tokens};

use crate::blocks::Attend;
use crate::plan::BlockPlan;
use crate::resnet::ResnetConfig;

/// Self-attention over the pixels, after a norm and with a residual connection (Ho et al. 2020, appendix B).
#[derive(Module, Debug)]
pub(crate) struct SelfAttention {
    group_norm: GroupNorm,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    heads: usize,
}

impl SelfAttention {
    pub fn new(config: ResnetConfig, plan: &BlockPlan, device: &Device) -> Self {
        let linear = || LinearConfig::new(plan.channels, plan.channels).init(device);
        Self {
            group_norm: GroupNormConfig::new(config.groups, plan.channels).with_epsilon(config.eps).init(device),
            to_q: linear(),
            to_k: linear(),
            to_v: linear(),
            to_out: linear(),
            heads: plan.heads,
        }
    }
}

impl Attend for SelfAttention {
    type Context = ();

    fn forward(&self, x: Tensor<4>, (): &()) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        let pixels = tokens(normalise(&self.group_norm, x.clone()));
        let split = |linear: &Linear| {
            let heads = [batch, height * width, self.heads, channels / self.heads];
            project(linear, pixels.clone()).reshape(heads).swap_dims(1, 2)
        };
        let (q, k, v) = (split(&self.to_q), split(&self.to_k), split(&self.to_v));
        let attended = attention(q, k, v);
        let attended = project(&self.to_out, attended.swap_dims(1, 2).reshape([batch, height * width, channels]));
        image(attended, height, width) + x
    }
}
