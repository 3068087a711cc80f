/// The structure of a [`T2iAdapter`](crate::T2iAdapter).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum T2iAdapterKind {
    /// For 1.x and 2.x: each feature map has half the width and height of the one before.
    Full,
    /// For XL: only the third has.
    FullXl,
    /// For 1.x and 2.x, with a quarter of the channels inside each block.
    Light,
}

/// Configuration of a [`T2iAdapter`](crate::T2iAdapter), with the names of diffusers' `config.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct T2iAdapterConfig {
    /// The structure: `adapter_type`.
    pub kind: T2iAdapterKind,
    /// Channels of the drawing: 3, or 1 for grey ones.
    pub in_channels: usize,
    /// Channels of the feature maps. A light adapter has a fourth map, with as many as the third.
    pub channels: Vec<usize>,
    /// Residual blocks for each feature map, at least 1.
    pub num_res_blocks: usize,
    /// The side of the square of pixels that becomes one pixel of the first feature map.
    pub downscale_factor: usize,
}

/// The layers before a feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockPlan {
    pub inputs: usize,
    /// Channels of the residual blocks.
    pub width: usize,
    pub outputs: usize,
    /// Whether the block begins by halving width and height.
    pub halves: bool,
    /// Side of the kernel of a residual block's second convolution.
    pub kernel: usize,
    /// Whether the first and last convolutions are there even if the channels do not change.
    pub is_light: bool,
}

impl T2iAdapterConfig {
    /// The published adapters for 1.x: `TencentARC/t2iadapter_canny_sd15v2` and the others, with a drawing of `in_channels`.
    pub fn full(in_channels: usize) -> Self {
        Self {
            kind: T2iAdapterKind::Full,
            in_channels,
            channels: vec![320, 640, 1280, 1280],
            num_res_blocks: 2,
            downscale_factor: 8,
        }
    }

    /// The published adapters for XL: `TencentARC/t2i-adapter-canny-sdxl-1.0` and the others.
    pub fn full_xl(in_channels: usize) -> Self {
        Self { kind: T2iAdapterKind::FullXl, downscale_factor: 16, ..Self::full(in_channels) }
    }

    /// The published light adapter for 1.x: `TencentARC/t2iadapter_color_sd14v1`.
    pub fn light(in_channels: usize) -> Self {
        Self {
            kind: T2iAdapterKind::Light,
            channels: vec![320, 640, 1280],
            num_res_blocks: 4,
            ..Self::full(in_channels)
        }
    }

    /// Channels of the feature maps, the finest map first.
    pub fn feature_channels(&self) -> Vec<usize> {
        self.blocks().iter().map(|block| block.outputs).collect()
    }

    /// Pixels of the drawing, along each side, that become one of each feature map; the finest map first.
    pub fn feature_factors(&self) -> Vec<usize> {
        let mut factor = self.downscale_factor;
        let next = |block: &BlockPlan| {
            factor *= if block.halves { 2 } else { 1 };
            factor
        };
        self.blocks().iter().map(next).collect()
    }

    /// Channels of the drawing after its squares of pixels became pixels.
    pub(super) fn unshuffled(&self) -> usize {
        self.in_channels * self.downscale_factor.pow(2)
    }

    pub(super) fn blocks(&self) -> Vec<BlockPlan> {
        let channels = &self.channels;
        let full = |i: usize, halves| BlockPlan {
            inputs: channels[i.saturating_sub(1)],
            width: channels[i],
            outputs: channels[i],
            halves,
            kernel: 1,
            is_light: false,
        };
        let light = |inputs, outputs, halves| BlockPlan {
            inputs,
            width: outputs / 4,
            outputs,
            halves,
            kernel: 3,
            is_light: true,
        };
        match self.kind {
            T2iAdapterKind::Full => (0..channels.len()).map(|i| full(i, i > 0)).collect(),
            T2iAdapterKind::FullXl => (0..channels.len()).map(|i| full(i, i == 2)).collect(),
            T2iAdapterKind::Light => {
                let first = light(self.unshuffled(), channels[0], false);
                let next = channels.windows(2).map(|pair| light(pair[0], pair[1], true));
                let last = channels[channels.len() - 1];
                [first].into_iter().chain(next).chain([light(last, last, true)]).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feature_maps_of_xl_begin_one_level_lower_and_are_halved_once() {
        assert_eq!(T2iAdapterConfig::full(3).feature_factors(), [8, 16, 32, 64]);
        assert_eq!(T2iAdapterConfig::full_xl(3).feature_factors(), [16, 16, 32, 32]);
    }

    #[test]
    fn all_published_adapters_have_the_channels_of_the_u_nets() {
        for config in [T2iAdapterConfig::full(3), T2iAdapterConfig::full_xl(1), T2iAdapterConfig::light(3)] {
            assert_eq!(config.feature_channels(), [320, 640, 1280, 1280]);
        }
    }
}
