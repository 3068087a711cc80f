use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::prelude::*;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use sd_ops::{Edges, convolve_within, join};

use crate::freeu::Stage;
use crate::plan::BlockPlan;
use crate::resnet::{PADDING_1, ResnetBlock, ResnetConfig};

/// The parts that a network's blocks are built from.
pub(crate) trait BlockConfig {
    /// The attention that may follow a residual block.
    type Attention: Attend;

    fn resnet(&self) -> ResnetConfig;

    /// Creates attention with `layers` layers.
    fn attention(&self, plan: &BlockPlan, layers: usize, device: &Device) -> Self::Attention;

    /// Zero padding of a downsampler.
    fn downsample_padding(&self) -> PaddingConfig2d {
        PADDING_1
    }
}

/// Attention over the pixels of a feature map.
pub(crate) trait Attend: Module {
    /// Input besides the feature map.
    type Context;

    /// `x` and output: `[batch, channels, height, width]`.
    fn forward(&self, x: Tensor<4>, context: &Self::Context) -> Tensor<4>;
}

/// The inputs of every block besides its feature map.
pub(crate) struct BlockInputs<C> {
    /// The time embedding after SiLU, `[batch, time_embed_dim]`.
    pub time: Tensor<2>,
    /// Context of the attention.
    pub context: C,
    /// What convolutions read beyond the edges of a feature map.
    pub edges: Edges,
}

/// The blocks of one resolution on the way down.
#[derive(Module, Debug)]
pub(crate) struct DownBlock<A: Module> {
    resnets: Vec<ResnetBlock>,
    pub attentions: Vec<A>,
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

    /// Pushes every intermediate feature map to `skips`, for the way up.
    pub fn forward(&self, x: Tensor<4>, inputs: &BlockInputs<A::Context>, skips: &mut Vec<Tensor<4>>) -> Tensor<4> {
        self.forward_with(x, inputs, skips, None)
    }

    /// As [`forward`](Self::forward), but ends as soon as there are `enough` skip connections.
    pub fn forward_until(
        &self,
        enough: usize,
        mut x: Tensor<4>,
        inputs: &BlockInputs<A::Context>,
        skips: &mut Vec<Tensor<4>>,
        feature: Option<Tensor<4>>,
    ) -> Tensor<4> {
        if skips.len() + self.resnets.len() + self.downsamplers.len() <= enough {
            return self.forward_with(x, inputs, skips, feature);
        }
        let (rest, feature) = (enough - skips.len(), feature.filter(|_| !self.attentions.is_empty()));
        for i in 0..rest {
            x = self.layer(i, x, inputs, feature.as_ref());
            skips.push(x.clone());
        }
        x
    }

    /// As [`forward`](Self::forward), with a feature map to add: where diffusers adds those of T2I-Adapters, before the downsampler
    /// of a block with attention and behind that of another.
    pub fn forward_with(
        &self,
        mut x: Tensor<4>,
        inputs: &BlockInputs<A::Context>,
        skips: &mut Vec<Tensor<4>>,
        feature: Option<Tensor<4>>,
    ) -> Tensor<4> {
        let (early, late) = if self.attentions.is_empty() { (None, feature) } else { (feature, None) };
        for i in 0..self.resnets.len() {
            x = self.layer(i, x, inputs, early.as_ref());
            skips.push(x.clone());
        }
        for downsampler in &self.downsamplers {
            x = convolve_within(&downsampler.conv, x, inputs.edges);
            skips.push(x.clone());
        }
        if let Some(feature) = late {
            x = x + feature;
            skips.pop();
            skips.push(x.clone());
        }
        x
    }

    /// A residual block and its attention; the feature map is for the last one.
    fn layer(
        &self,
        i: usize,
        x: Tensor<4>,
        inputs: &BlockInputs<A::Context>,
        feature: Option<&Tensor<4>>,
    ) -> Tensor<4> {
        let mut x = self.resnets[i].forward(x, inputs.time.clone(), inputs.edges);
        if let Some(attention) = self.attentions.get(i) {
            x = attention.forward(x, &inputs.context);
        }
        match feature.filter(|_| i + 1 == self.resnets.len()) {
            Some(feature) => x + feature.clone(),
            None => x,
        }
    }
}

/// The blocks at the coarsest resolution, between the way down and the way up.
#[derive(Module, Debug)]
pub(crate) struct MidBlock<A: Module> {
    resnets: Vec<ResnetBlock>,
    attentions: Vec<A>,
}

impl<A: Attend> MidBlock<A> {
    pub fn new(config: &impl BlockConfig<Attention = A>, plan: &BlockPlan, device: &Device) -> Self {
        Self { resnets: resnets(config, plan, device), attentions: attentions(config, plan, device) }
    }

    pub fn forward(&self, x: Tensor<4>, inputs: &BlockInputs<A::Context>) -> Tensor<4> {
        self.forward_by(x, inputs, |attention, x| attention.forward(x, &inputs.context))
    }

    /// As [`forward`](Self::forward), with `attend` instead of the attention's own.
    pub fn forward_by(
        &self,
        mut x: Tensor<4>,
        inputs: &BlockInputs<A::Context>,
        mut attend: impl FnMut(&A, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate() {
            x = resnet.forward(x, inputs.time.clone(), inputs.edges);
            if let Some(attention) = self.attentions.get(i) {
                x = attend(attention, x);
            }
        }
        x
    }
}

/// The blocks of one resolution on the way up.
#[derive(Module, Debug)]
pub(crate) struct UpBlock<A: Module> {
    resnets: Vec<ResnetBlock>,
    pub attentions: Vec<A>,
    upsamplers: Vec<Resampler>,
    #[module(skip)]
    pub freeu: Option<Stage>,
}

impl<A: Attend> UpBlock<A> {
    pub fn new(config: &impl BlockConfig<Attention = A>, plan: &BlockPlan, device: &Device) -> Self {
        let upsampler = plan.resample.then(|| Resampler::new(plan.channels, 1, PADDING_1, device));
        Self {
            resnets: resnets(config, plan, device),
            attentions: attentions(config, plan, device),
            upsamplers: upsampler.into_iter().collect(),
            freeu: None,
        }
    }

    /// Pops its skip connections from `skips`.
    pub fn forward(&self, x: Tensor<4>, inputs: &BlockInputs<A::Context>, skips: &mut Vec<Tensor<4>>) -> Tensor<4> {
        self.forward_from(0, x, inputs, skips, &mut |_: &Tensor<4>, _: usize| {})
    }

    /// As [`forward`](Self::forward), from the residual block `first` on; shows `see` the feature map and the number of skip connections
    /// before each.
    pub fn forward_from(
        &self,
        first: usize,
        mut x: Tensor<4>,
        inputs: &BlockInputs<A::Context>,
        skips: &mut Vec<Tensor<4>>,
        see: &mut impl FnMut(&Tensor<4>, usize),
    ) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate().skip(first) {
            see(&x, skips.len());
            let mut skip = skips.pop().expect("as many skip connections as residual blocks on the way up");
            if let Some(stage) = self.freeu {
                (x, skip) = stage.apply(x, skip);
            }
            x = resnet.forward(join(x, skip), inputs.time.clone(), inputs.edges);
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x, &inputs.context);
            }
        }
        for upsampler in &self.upsamplers {
            // The size of the next skip, not twice this one: an odd size was rounded up on the way down.
            let [.., height, width] = skips.last().expect("a finer level follows").dims();
            let options = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([height, width]);
            x = convolve_within(&upsampler.conv, interpolate(x, options), inputs.edges);
        }
        x
    }
}

impl<A: Module> UpBlock<A> {
    /// Number of residual blocks, and of skip connections that it reads.
    pub fn len(&self) -> usize {
        self.resnets.len()
    }
}

/// The convolution that halves a feature map, or smooths an upsampled one.
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
