use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::prelude::*;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use sd_ops::{convolve, join};

use crate::plan::BlockPlan;
use crate::resnet::{PADDING_1, ResnetBlock, ResnetConfig};

/// What the blocks of a network are made of.
pub(crate) trait BlockConfig {
    /// The attention that may follow a residual block.
    type Attention: Attend;

    fn resnet(&self) -> ResnetConfig;

    /// Attention of as many layers.
    fn attention(&self, plan: &BlockPlan, layers: usize, device: &Device) -> Self::Attention;

    /// The border of zeros that a downsampler sees around its image.
    fn downsample_padding(&self) -> PaddingConfig2d {
        PADDING_1
    }
}

/// Attention among the pixels of a feature map.
pub(crate) trait Attend: Module {
    /// What it reads besides the image.
    type Context;

    /// `x` and output: `[batch, channels, height, width]`.
    fn forward(&self, x: Tensor<4>, context: &Self::Context) -> Tensor<4>;
}

/// What every block is given besides its image.
pub(crate) struct BlockInputs<C> {
    /// The time, `[batch, time_embed_dim]`, after its SiLU.
    pub time: Tensor<2>,
    /// What the attention reads.
    pub context: C,
}

/// The blocks of one resolution on the way down.
#[derive(Module, Debug)]
pub(crate) struct DownBlock<A: Module> {
    resnets: Vec<ResnetBlock>,
    attentions: Vec<A>,
    pub downsamplers: Vec<Resampler>,
}

impl<A: Attend> DownBlock<A> {
    pub fn new(config: &impl BlockConfig<Attention = A>, plan: &BlockPlan, device: &Device) -> Self {
        let downsampler = plan.resample.then(|| Resampler::new(plan.channels, 2, config.downsample_padding(), device));
        Self {
            resnets: resnets(config, plan, device),
            attentions: attentions(config, plan, device),
            downsamplers: downsampler.into_iter().collect(),
        }
    }

    /// Leaves every intermediate image in `skips`, for the way up.
    pub fn forward(&self, mut x: Tensor<4>, inputs: &BlockInputs<A::Context>, skips: &mut Vec<Tensor<4>>) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate() {
            x = resnet.forward(x, inputs.time.clone());
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x, &inputs.context);
            }
            skips.push(x.clone());
        }
        for downsampler in &self.downsamplers {
            x = convolve(&downsampler.conv, x);
            skips.push(x.clone());
        }
        x
    }
}

/// The coarsest resolution, between the ways down and up.
#[derive(Module, Debug)]
pub(crate) struct MidBlock<A: Module> {
    resnets: Vec<ResnetBlock>,
    attentions: Vec<A>,
}

impl<A: Attend> MidBlock<A> {
    pub fn new(config: &impl BlockConfig<Attention = A>, plan: &BlockPlan, device: &Device) -> Self {
        Self { resnets: resnets(config, plan, device), attentions: attentions(config, plan, device) }
    }

    pub fn forward(&self, mut x: Tensor<4>, inputs: &BlockInputs<A::Context>) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate() {
            x = resnet.forward(x, inputs.time.clone());
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x, &inputs.context);
            }
        }
        x
    }
}

/// The blocks of one resolution on the way up.
#[derive(Module, Debug)]
pub(crate) struct UpBlock<A: Module> {
    resnets: Vec<ResnetBlock>,
    attentions: Vec<A>,
    upsamplers: Vec<Resampler>,
}

impl<A: Attend> UpBlock<A> {
    pub fn new(config: &impl BlockConfig<Attention = A>, plan: &BlockPlan, device: &Device) -> Self {
        let upsampler = plan.resample.then(|| Resampler::new(plan.channels, 1, PADDING_1, device));
        Self {
            resnets: resnets(config, plan, device),
            attentions: attentions(config, plan, device),
            upsamplers: upsampler.into_iter().collect(),
        }
    }

    /// Takes its skips from the end of `skips`.
    pub fn forward(&self, mut x: Tensor<4>, inputs: &BlockInputs<A::Context>, skips: &mut Vec<Tensor<4>>) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate() {
            let skip = skips.pop().expect("the way down left as many images as the way up takes");
            x = resnet.forward(join(x, skip), inputs.time.clone());
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x, &inputs.context);
            }
        }
        for upsampler in &self.upsamplers {
            // The size of the next skip, not twice this one: an odd size was rounded up on the way down.
            let [.., height, width] = skips.last().expect("a finer level follows").dims();
            let options = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([height, width]);
            x = convolve(&upsampler.conv, interpolate(x, options));
        }
        x
    }
}

/// The convolution that halves an image, or smoothes one that was doubled.
#[derive(Module, Debug)]
pub(crate) struct Resampler {
    pub conv: Conv2d,
}

impl Resampler {
    fn new(channels: usize, stride: usize, padding: PaddingConfig2d, device: &Device) -> Self {
        let conv = Conv2dConfig::new([channels, channels], [3, 3]).with_stride([stride, stride]).with_padding(padding);
        Self { conv: conv.init(device) }
    }
}

fn resnets(config: &impl BlockConfig, plan: &BlockPlan, device: &Device) -> Vec<ResnetBlock> {
    let resnet = |&input: &usize| ResnetBlock::new(config.resnet(), input, plan.channels, device);
    plan.inputs.iter().map(resnet).collect()
}

fn attentions<A: Attend>(config: &impl BlockConfig<Attention = A>, plan: &BlockPlan, device: &Device) -> Vec<A> {
    plan.attention.iter().map(|&layers| config.attention(plan, layers, device)).collect()
}
