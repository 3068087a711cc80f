use burn::nn::conv::Conv2d;
use burn::prelude::*;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};

use crate::UnetConfig;
use crate::config::BlockPlan;
use crate::resnet::{ResnetBlock, conv3x3};
use crate::transformer::Transformer2d;

/// What every block is told besides its picture.
pub(crate) struct Conditions {
    /// The time, `[batch, time_embed_dim]`, after its SiLU.
    pub time: Tensor<2>,
    /// The text, `[batch, tokens, cross_attention_dim]`.
    pub context: Tensor<3>,
}

/// The blocks of one resolution on the way down.
#[derive(Module, Debug)]
pub(crate) struct DownBlock {
    resnets: Vec<ResnetBlock>,
    attentions: Vec<Transformer2d>,
    downsamplers: Vec<Resampler>,
}

impl DownBlock {
    pub fn new(config: &UnetConfig, plan: &BlockPlan, device: &Device) -> Self {
        Self {
            resnets: resnets(config, plan, device),
            attentions: attentions(config, plan, device),
            downsamplers: plan.resample.then(|| Resampler::new(plan.channels, 2, device)).into_iter().collect(),
        }
    }

    /// Leaves every intermediate picture in `skips`, for the way up.
    pub fn forward(&self, mut x: Tensor<4>, conditions: &Conditions, skips: &mut Vec<Tensor<4>>) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate() {
            x = resnet.forward(x, conditions.time.clone());
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x, &conditions.context);
            }
            skips.push(x.clone());
        }
        for downsampler in &self.downsamplers {
            x = downsampler.conv.forward(x);
            skips.push(x.clone());
        }
        x
    }
}

/// The coarsest resolution, between the ways down and up.
#[derive(Module, Debug)]
pub(crate) struct MidBlock {
    resnets: Vec<ResnetBlock>,
    attentions: Vec<Transformer2d>,
}

impl MidBlock {
    pub fn new(config: &UnetConfig, device: &Device) -> Self {
        let level = config.levels.last().expect("a U-Net has levels");
        let plan = BlockPlan {
            inputs: vec![level.channels; 2],
            channels: level.channels,
            attention: config.mid_attention,
            heads: level.heads,
            resample: false,
        };
        let attention = Transformer2d::new(config, level.channels, level.heads, config.mid_attention, device);
        Self { resnets: resnets(config, &plan, device), attentions: vec![attention] }
    }

    pub fn forward(&self, x: Tensor<4>, conditions: &Conditions) -> Tensor<4> {
        let x = self.resnets[0].forward(x, conditions.time.clone());
        let x = self.attentions[0].forward(x, &conditions.context);
        self.resnets[1].forward(x, conditions.time.clone())
    }
}

/// The blocks of one resolution on the way up.
#[derive(Module, Debug)]
pub(crate) struct UpBlock {
    resnets: Vec<ResnetBlock>,
    attentions: Vec<Transformer2d>,
    upsamplers: Vec<Resampler>,
}

impl UpBlock {
    pub fn new(config: &UnetConfig, plan: &BlockPlan, device: &Device) -> Self {
        Self {
            resnets: resnets(config, plan, device),
            attentions: attentions(config, plan, device),
            upsamplers: plan.resample.then(|| Resampler::new(plan.channels, 1, device)).into_iter().collect(),
        }
    }

    /// Takes its skips from the end of `skips`.
    pub fn forward(&self, mut x: Tensor<4>, conditions: &Conditions, skips: &mut Vec<Tensor<4>>) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate() {
            let skip = skips.pop().expect("the way down left as many pictures as the way up takes");
            x = resnet.forward(Tensor::cat(vec![x, skip], 1), conditions.time.clone());
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x, &conditions.context);
            }
        }
        for upsampler in &self.upsamplers {
            // The size of the next skip, not twice this one: an odd size was rounded up on the way down.
            let [.., height, width] = skips.last().expect("a finer level follows").dims();
            let options = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([height, width]);
            x = upsampler.conv.forward(interpolate(x, options));
        }
        x
    }
}

/// The convolution that halves a picture, or smoothes one that was doubled.
#[derive(Module, Debug)]
struct Resampler {
    conv: Conv2d,
}

impl Resampler {
    fn new(channels: usize, stride: usize, device: &Device) -> Self {
        Self { conv: conv3x3(channels, channels, stride, device) }
    }
}

fn resnets(config: &UnetConfig, plan: &BlockPlan, device: &Device) -> Vec<ResnetBlock> {
    plan.inputs.iter().map(|&input| ResnetBlock::new(config, input, plan.channels, device)).collect()
}

fn attentions(config: &UnetConfig, plan: &BlockPlan, device: &Device) -> Vec<Transformer2d> {
    let count = if plan.attention > 0 { plan.inputs.len() } else { 0 };
    (0..count).map(|_| Transformer2d::new(config, plan.channels, plan.heads, plan.attention, device)).collect()
}
