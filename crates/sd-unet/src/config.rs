use burn::prelude::*;

/// One resolution of a [`Unet`](crate::Unet), on the way down and on the way up.
#[derive(Config, Debug, PartialEq, Eq)]
pub struct UnetLevel {
    /// Channels at this resolution.
    pub channels: usize,
    /// Residual blocks on the way down; one more on the way up.
    pub resnets: usize,
    /// Transformer layers after each residual block on the way down, each at least 1; empty for no attention.
    pub down_attention: Vec<usize>,
    /// Transformer layers after each residual block on the way up, in the order they run; empty for no attention.
    pub up_attention: Vec<usize>,
    /// Attention heads; divides `channels`.
    pub heads: usize,
}

/// The extra input of Stable Diffusion XL: sizes as sinusoids, and a pooled text vector.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub struct AdditionConfig {
    /// Width of the sinusoidal embedding of each size.
    pub time_embed_dim: usize,
    /// Total width: `6·time_embed_dim` plus the pooled vector.
    pub input_dim: usize,
}

/// Configuration of a [`Unet`](crate::Unet).
#[derive(Config, Debug, PartialEq)]
pub struct UnetConfig {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// The resolutions, the finest first; each has half the width and height of the one before.
    pub levels: Vec<UnetLevel>,
    /// Residual blocks in the middle, at the coarsest resolution: 2 in the published models, 1 in SSD-1B, 0 for no middle.
    pub mid_resnets: usize,
    /// Transformer layers after the first of the middle's residual blocks; 0 for no attention there.
    pub mid_attention: usize,
    /// Width of a context vector (a token of the text).
    pub cross_attention_dim: usize,
    /// Groups of every group norm; divides the channels of every level.
    pub norm_num_groups: usize,
    /// Epsilon of the residual blocks' norms.
    pub norm_eps: f64,
    /// The extra input, for models that have one.
    pub addition: Option<AdditionConfig>,
    /// Width of the embedding of the guidance scale, for networks that were distilled to read it (Luo et al. 2023, LCM); at least 4.
    pub time_cond_proj_dim: Option<usize>,
    /// Whether the input also has the clean image that was last predicted, in as many channels behind the noisy one (Chen et al. 2022,
    /// Bit Diffusion).
    pub self_conditioning: bool,
}

impl UnetLevel {
    /// Creates a level with `attention` transformer layers after every residual block, on both ways; 0 for no attention.
    pub fn even(channels: usize, resnets: usize, attention: usize, heads: usize) -> Self {
        let layers = |resnets| if attention > 0 { vec![attention; resnets] } else { Vec::new() };
        Self { channels, resnets, down_attention: layers(resnets), up_attention: layers(resnets + 1), heads }
    }

    /// Whether the level has attention on either way.
    pub fn attends(&self) -> bool {
        !(self.down_attention.is_empty() && self.up_attention.is_empty())
    }
}

impl UnetConfig {
    /// Whether the network has attention in its middle.
    pub fn has_middle_attention(&self) -> bool {
        self.mid_resnets > 0 && self.mid_attention > 0
    }

    /// Stable Diffusion 1.x.
    pub fn sd1() -> Self {
        Self::sd([8, 8, 8, 8], 768)
    }

    /// Stable Diffusion 2.x.
    pub fn sd2() -> Self {
        Self::sd([5, 10, 20, 20], 1024)
    }

    /// Stable Diffusion XL base.
    pub fn sdxl() -> Self {
        let level = |channels, attention, heads| UnetLevel::even(channels, 2, attention, heads);
        Self {
            in_channels: 4,
            out_channels: 4,
            levels: vec![level(320, 0, 5), level(640, 2, 10), level(1280, 10, 20)],
            mid_resnets: 2,
            mid_attention: 10,
            cross_attention_dim: 2048,
            norm_num_groups: 32,
            norm_eps: 1e-5,
            addition: Some(AdditionConfig { time_embed_dim: 256, input_dim: 2816 }),
            time_cond_proj_dim: None,
            self_conditioning: false,
        }
    }

    fn sd(heads: [usize; 4], cross_attention_dim: usize) -> Self {
        let level = |i: usize| UnetLevel::even([320, 640, 1280, 1280][i], 2, usize::from(i < 3), heads[i]);
        Self {
            in_channels: 4,
            out_channels: 4,
            levels: (0..4).map(level).collect(),
            mid_resnets: 2,
            mid_attention: 1,
            cross_attention_dim,
            norm_num_groups: 32,
            norm_eps: 1e-5,
            addition: None,
            time_cond_proj_dim: None,
            self_conditioning: false,
        }
    }

    /// Width of the time embedding.
    pub(crate) fn time_embed_dim(&self) -> usize {
        4 * self.levels[0].channels
    }
}
