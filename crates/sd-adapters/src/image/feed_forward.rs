use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use sd_ops::{gelu, project};

/// Two linear layers with a GELU between them.
#[derive(Module, Debug)]
pub struct FeedForward {
    proj: Linear,
    out: Linear,
}

impl FeedForward {
    /// `widths`: of the input, between the layers, and of the output.
    pub fn new([input, inner, output]: [usize; 3], bias: bool, device: &Device) -> Self {
        Self {
            proj: LinearConfig::new(input, inner).with_bias(bias).init(device),
            out: LinearConfig::new(inner, output).with_bias(bias).init(device),
        }
    }

    /// `x`: `[batch, tokens, input]`; output: `[batch, tokens, output]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        project(&self.out, gelu(project(&self.proj, x)))
    }
}
