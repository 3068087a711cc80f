use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::softmax;
use sd_ops::{attend, project};

use crate::image_attention::ImageTokens;

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
    pub fn forward(&self, x: Tensor<3>, context: Tensor<3>, images: &[ImageTokens]) -> Tensor<3> {
        let [batch, pixels, channels] = x.dims();
        let q = self.split(project(&self.to_q, x));
        let attend = |k: Tensor<3>, v: Tensor<3>| attend(&self.to_q, q.clone(), self.split(k), self.split(v));
        let mut attended = attend(project(&self.to_k, context.clone()), project(&self.to_v, context));
        for ImageTokens { keys, values, mask } in images {
            let image = attend((*keys).clone(), (*values).clone());
            attended = attended
                + match mask {
                    Some(mask) => image * (*mask).clone().cast(q.dtype()).unsqueeze_dim::<4>(1),
                    None => image,
                };
        }
        project(&self.to_out, attended.swap_dims(1, 2).reshape([batch, pixels, channels]))
    }

    /// Attention in which each pixel sees itself alone (Ahn et al. 2024); `x` and output:
    /// `[batch, pixels, channels]`.
    pub fn identity(&self, x: Tensor<3>) -> Tensor<3> {
        project(&self.to_out, project(&self.to_v, x))
    }

    /// Returns the attention that each of the pixels receives from all of them, in the mean over the heads; 1 is the mean
    /// over the pixels. `x`: `[batch, pixels, channels]`; output: `[batch, pixels]`, single precision.
    pub fn received(&self, x: Tensor<3>) -> Tensor<2> {
        let q = self.split(project(&self.to_q, x.clone())).cast(DType::F32);
        let k = self.split(project(&self.to_k, x)).cast(DType::F32);
        let [batch, heads, pixels, width] = q.dims();
        let mut sum = Tensor::zeros([batch, pixels], &q.device());
        // One head at a time, for the weights of a large image need much memory.
        for head in 0..heads {
            let of = |x: &Tensor<4>| x.clone().slice_dim(1, head..head + 1);
            let scores = of(&q).matmul(of(&k).swap_dims(2, 3)) / (width as f64).sqrt();
            sum = sum + softmax(scores, 3).sum_dim(2).reshape([batch, pixels]);
        }
        sum / heads as f64
    }

    /// `x`: `[batch, length, channels]`; output: `[batch, heads, length, channels / heads]`.
    fn split(&self, x: Tensor<3>) -> Tensor<4> {
        let [batch, length, channels] = x.dims();
        x.reshape([batch, length, self.heads, channels / self.heads]).swap_dims(1, 2)
    }
}
