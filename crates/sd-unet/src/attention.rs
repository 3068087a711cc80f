use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use sd_ops::{attend, project};

/// Multi-head attention from pixels to a context, which is the pixels themselves or the text.
#[derive(Module, Debug)]
pub(crate) struct Attention {
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    heads: usize,
}

impl Attention {
    pub fn new(channels: usize, context: usize, heads: usize, device: &Device) -> Self {
        let linear = |from| LinearConfig::new(from, channels).with_bias(false).init(device);
        Self {
            to_q: linear(channels),
            to_k: linear(context),
            to_v: linear(context),
            to_out: LinearConfig::new(channels, channels).init(device),
            heads,
        }
    }

    /// `x` and output: `[batch, pixels, channels]`; `context`: `[batch, tokens, width]`.
    pub fn forward(&self, x: Tensor<3>, context: Tensor<3>) -> Tensor<3> {
        let [batch, pixels, channels] = x.dims();
        let split = |x: Tensor<3>| {
            let [_, length, _] = x.dims();
            x.reshape([batch, length, self.heads, channels / self.heads]).swap_dims(1, 2)
        };
        let attended = attend(
            &self.to_q,
            split(project(&self.to_q, x)),
            split(project(&self.to_k, context.clone())),
            split(project(&self.to_v, context)),
        );
        project(&self.to_out, attended.swap_dims(1, 2).reshape([batch, pixels, channels]))
    }
}
