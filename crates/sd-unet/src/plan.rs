use crate::UnetLevel;

/// The blocks of a U-Net as plain numbers, in the order they run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub down: Vec<BlockPlan>,
    pub mid: Option<BlockPlan>,
    pub up: Vec<BlockPlan>,
}

/// One block: its residual blocks, the attention after each, and whether it changes the resolution at its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BlockPlan {
    /// Input channels of each residual block.
    pub inputs: Vec<usize>,
    /// Output channels of every residual block.
    pub channels: usize,
    /// Layers of attention after each residual block, from the first on; blocks without a value have none.
    pub attention: Vec<usize>,
    /// Heads of that attention.
    pub heads: usize,
    /// Whether a down- or upsampler ends the block.
    pub resample: bool,
}

impl Plan {
    /// Plans a U-Net with these levels, the finest first, with `mid_resnets` residual blocks in the middle and
    /// `mid_attention` layers of attention after the first of them.
    pub fn new(levels: &[UnetLevel], mid_resnets: usize, mid_attention: usize) -> Self {
        let channels: Vec<usize> = levels.iter().map(|level| level.channels).collect();
        let coarsest = levels.last().expect("a U-Net has levels");
        let down = levels.iter().enumerate().map(|(i, level)| BlockPlan {
            inputs: (0..level.resnets)
                .map(|j| if j > 0 { level.channels } else { channels[i.saturating_sub(1)] })
                .collect(),
            channels: level.channels,
            attention: level.down_attention.clone(),
            heads: level.heads,
            resample: i + 1 < levels.len(),
        });
        let down: Vec<BlockPlan> = down.collect();
        let mid = (mid_resnets > 0).then(|| BlockPlan {
            inputs: vec![coarsest.channels; mid_resnets],
            channels: coarsest.channels,
            attention: if mid_attention > 0 { vec![mid_attention] } else { Vec::new() },
            heads: coarsest.heads,
            resample: false,
        });

        let mut skips = skips(&down);
        let mut below = coarsest.channels;
        let mut up = Vec::new();
        for (i, level) in levels.iter().enumerate().rev() {
            let inputs = (0..=level.resnets).map(|j| {
                let from = if j == 0 { below } else { level.channels };
                from + skips.pop().expect("as many skips as residual blocks on the way up")
            });
            up.push(BlockPlan {
                inputs: inputs.collect(),
                channels: level.channels,
                attention: level.up_attention.clone(),
                heads: level.heads,
                resample: i > 0,
            });
            below = level.channels;
        }
        Self { down, mid, up }
    }
}

/// Returns the channels of the feature maps of the way `down` that the way up reads: the outputs of the first convolution and of
/// every residual block and downsampler.
pub(crate) fn skips(down: &[BlockPlan]) -> Vec<usize> {
    let mut skips = vec![down[0].channels];
    for block in down {
        skips.extend(vec![block.channels; block.inputs.len() + usize::from(block.resample)]);
    }
    skips
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnetConfig;

    /// The published layer sizes of Stable Diffusion 1.5.
    #[test]
    fn the_plan_of_sd1_has_its_published_channels() {
        let plan = Plan::new(&UnetConfig::sd1().levels, 2, 1);
        let inputs = |blocks: &[BlockPlan]| blocks.iter().map(|b| b.inputs.clone()).collect::<Vec<_>>();
        assert_eq!(inputs(&plan.down), [[320, 320], [320, 640], [640, 1280], [1280, 1280]]);
        assert_eq!(plan.mid.expect("a middle").inputs, [1280, 1280]);
        assert_eq!(inputs(&plan.up), [[2560, 2560, 2560], [2560, 2560, 1920], [1920, 1280, 960], [960, 640, 640]]);
    }
}
