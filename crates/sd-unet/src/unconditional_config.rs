use burn::nn::PaddingConfig2d;
use burn::prelude::*;

use crate::UnetLevel;
use crate::blocks::BlockConfig;
use crate::embedding::Sinusoids;
use crate::plan::{BlockPlan, Plan};
use crate::resnet::PADDING_1;
use crate::resnet::ResnetConfig;
use crate::self_attention::SelfAttention;

/// One resolution of an [`UnconditionalUnet`](crate::UnconditionalUnet), on the way down and on the way up.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub struct UnconditionalLevel {
    /// Channels at this resolution.
    pub channels: usize,
    /// Whether attention follows each residual block on the way down.
    pub down_attention: bool,
    /// Whether attention follows each residual block on the way up.
    pub up_attention: bool,
}

/// Configuration of an [`UnconditionalUnet`](crate::UnconditionalUnet).
#[derive(Config, Debug, PartialEq)]
pub struct UnconditionalUnetConfig {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// The resolutions, the finest first; each has half the width and height of the one before.
    pub levels: Vec<UnconditionalLevel>,
    /// Residual blocks of each level on the way down; one more on the way up.
    pub layers_per_block: usize,
    /// Whether there is attention in the middle, at the coarsest resolution.
    pub mid_attention: bool,
    /// Channels of each attention head; `None` for a single head with all channels.
    pub attention_head_dim: Option<usize>,
    /// Groups of every group norm; divides the channels of every level.
    pub norm_num_groups: usize,
    /// Epsilon of every group norm.
    pub norm_eps: f64,
    /// Whether the cosines of a timestep come before its sines.
    pub flip_sin_to_cos: bool,
    /// Subtracted from the number of a timestep's frequencies, in their exponents: 1 in DDPM's own networks, 0 in others.
    pub freq_shift: usize,
    /// Zero padding of downsamplers: 1 for every side, 0 for one on the right and at the bottom only.
    pub downsample_padding: usize,
    /// Whether the input also has the clean image that was last predicted, in as many channels behind the noisy one (Chen et al. 2022,
    /// Bit Diffusion).
    pub self_conditioning: bool,
}

impl UnconditionalUnetConfig {
    /// DDPM's network for CIFAR-10, 32×32 pixels (Ho et al. 2020, appendix B).
    pub fn ddpm_cifar10() -> Self {
        Self::ddpm(&[128, 256, 256, 256], 1)
    }

    /// DDPM's network for CelebA-HQ and LSUN, 256×256 pixels (Ho et al. 2020, appendix B).
    pub fn ddpm_256() -> Self {
        Self::ddpm(&[128, 128, 256, 256, 512, 512], 4)
    }

    /// Attention is at 16×16 pixels, the level with index `attention`, and in the middle.
    fn ddpm(channels: &[usize], attention: usize) -> Self {
        let level = |(i, &channels)| UnconditionalLevel {
            channels,
            down_attention: i == attention,
            up_attention: i == attention,
        };
        Self {
            in_channels: 3,
            out_channels: 3,
            levels: channels.iter().enumerate().map(level).collect(),
            layers_per_block: 2,
            mid_attention: true,
            attention_head_dim: None,
            norm_num_groups: 32,
            norm_eps: 1e-6,
            flip_sin_to_cos: false,
            freq_shift: 1,
            downsample_padding: 0,
            self_conditioning: false,
        }
    }

    /// Channels of an image: half of those of the input with self-conditioning.
    pub fn image_channels(&self) -> usize {
        if self.self_conditioning { self.in_channels / 2 } else { self.in_channels }
    }

    /// Factor between the image's width and that of the coarsest resolution.
    pub fn factor(&self) -> usize {
        1 << (self.levels.len() - 1)
    }

    /// Width of the time embedding.
    pub(crate) fn time_embed_dim(&self) -> usize {
        4 * self.levels[0].channels
    }

    /// The embedding of a timestep.
    pub(crate) fn sinusoids(&self) -> Sinusoids {
        let width = self.levels[0].channels;
        Sinusoids { width, flip_sin_to_cos: self.flip_sin_to_cos, freq_shift: self.freq_shift }
    }

    /// The blocks as plain numbers.
    pub(crate) fn plan(&self) -> Plan {
        let layers = |attends: bool, resnets| if attends { vec![1; resnets] } else { Vec::new() };
        let level = |level: &UnconditionalLevel| UnetLevel {
            channels: level.channels,
            resnets: self.layers_per_block,
            down_attention: layers(level.down_attention, self.layers_per_block),
            up_attention: layers(level.up_attention, self.layers_per_block + 1),
            heads: level.channels / self.attention_head_dim.unwrap_or(level.channels),
        };
        Plan::new(&self.levels.iter().map(level).collect::<Vec<_>>(), 2, usize::from(self.mid_attention))
    }
}

impl BlockConfig for UnconditionalUnetConfig {
    type Attention = SelfAttention;

    fn resnet(&self) -> ResnetConfig {
        ResnetConfig { groups: self.norm_num_groups, eps: self.norm_eps, time_width: self.time_embed_dim() }
    }

    fn attention(&self, plan: &BlockPlan, _layers: usize, device: &Device) -> SelfAttention {
        SelfAttention::new(self.resnet(), plan, device)
    }

    fn downsample_padding(&self) -> PaddingConfig2d {
        match self.downsample_padding {
            0 => PaddingConfig2d::Explicit(0, 0, 1, 1), // top, left, bottom, right
            1 => PADDING_1,
            other => panic!("downsample_padding is {other}, but must be 0 or 1"),
        }
    }
}
