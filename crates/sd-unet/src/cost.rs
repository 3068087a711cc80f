use crate::UnetConfig;
use crate::plan::{BlockPlan, Plan, skips};

/// What a call of a [`Unet`](crate::Unet) computes for one image: on it depends how many multiplications that takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Height and width of the noisy image.
    pub size: (usize, usize),
    /// Tokens of the text.
    pub tokens: usize,
    /// The last skip connection that is computed if [deep features](crate::Deep) are taken; none for the whole network.
    pub branch: Option<usize>,
    /// Whether the text is read, rather than the outputs of the [cross-attention](crate::CrossAttention) taken.
    pub reads_text: bool,
    /// The share of the pixels that the finest attention merges: see [`with_merged_tokens`](crate::Unet::with_merged_tokens).
    pub merge_tokens: f64,
}

/// A part of the network as it runs: a block's residual block with its attention, or its change of resolution.
struct Part {
    multiplications: f64,
    /// Number of skip connections before it on the way up, and after it on the way down.
    skips: usize,
}

impl UnetConfig {
    /// Counts the multiplications of convolutions, linear layers and attention in a call for one image. Norms and non-linearities are
    /// not counted.
    ///
    /// # Panics
    ///
    /// Panics if there are no levels.
    pub fn multiplications(&self, work: &Work) -> f64 {
        let plan = Plan::new(&self.levels, self.mid_resnets, self.mid_attention);
        let all = skips(&plan.down).len();
        let enough = work.branch.map_or(all, |branch| branch + 1);
        let finest = self.levels[0].channels as f64;
        let (pixels, time) = ((work.size.0 * work.size.1) as f64, self.time_embed_dim() as f64);
        let ends = 9.0 * pixels * finest * (self.in_channels + self.out_channels) as f64;
        let added = self.addition.map_or(0.0, |addition| addition.input_dim as f64 * time + time * time);
        let embedding = finest * time + time * time + added;
        let middle = match (&plan.mid, work.branch) {
            (Some(block), None) => self.parts(block, plan.down.len() - 1, work).into_iter().sum(),
            _ => 0.0,
        };
        let down = self.down(&plan, work).into_iter().filter(|part| part.skips <= enough);
        let up = self.up(&plan, work, all).into_iter().filter(|part| part.skips <= enough);
        let blocks: f64 = down.chain(up).map(|part| part.multiplications).sum();
        ends + embedding + middle + blocks
    }

    fn down(&self, plan: &Plan, work: &Work) -> Vec<Part> {
        let (mut parts, mut skips) = (Vec::new(), 1);
        let mut push = |multiplications| {
            skips += 1;
            parts.push(Part { multiplications, skips });
        };
        for (level, block) in plan.down.iter().enumerate() {
            self.parts(block, level, work).into_iter().for_each(&mut push);
            if block.resample {
                push(9.0 * square(block.channels) * pixels(work, level + 1));
            }
        }
        parts
    }

    /// An upsampler belongs to the residual block before it.
    fn up(&self, plan: &Plan, work: &Work, all: usize) -> Vec<Part> {
        let (mut parts, mut skips) = (Vec::new(), all);
        for (i, block) in plan.up.iter().enumerate() {
            let level = plan.up.len() - 1 - i;
            for multiplications in self.parts(block, level, work) {
                parts.push(Part { multiplications, skips });
                skips -= 1;
            }
            if let Some(last) = parts.last_mut().filter(|_| block.resample) {
                last.multiplications += 9.0 * square(block.channels) * pixels(work, level - 1);
            }
        }
        parts
    }

    /// The residual blocks of a block, each with its attention.
    fn parts(&self, block: &BlockPlan, level: usize, work: &Work) -> Vec<f64> {
        let (pixels, out) = (pixels(work, level), block.channels as f64);
        let resnet = |input: &usize| {
            let input = *input as f64;
            let shortcut = if input == out { 0.0 } else { input * out };
            pixels * (9.0 * input * out + 9.0 * out * out + shortcut) + out * self.time_embed_dim() as f64
        };
        let attention = |i: usize| {
            let layers = block.attention.get(i).copied().unwrap_or_default() as f64;
            if layers == 0.0 { 0.0 } else { layers * self.layer(level, out, work) + 2.0 * out * out * pixels }
        };
        block.inputs.iter().enumerate().map(|(i, input)| resnet(input) + attention(i)).collect()
    }

    /// A layer of a transformer.
    fn layer(&self, level: usize, channels: f64, work: &Work) -> f64 {
        let (pixels, tokens, context) = (pixels(work, level), work.tokens as f64, self.cross_attention_dim as f64);
        let ratio = if Some(level) == self.finest_attention() { work.merge_tokens } else { 0.0 };
        let left = pixels - (pixels * ratio).floor();
        let matching = if ratio > 0.0 { 3.0 / 16.0 * pixels * pixels * channels } else { 0.0 };
        let own = matching + left * (4.0 * channels + 2.0 * left) * channels;
        let cross = 2.0 * channels * (pixels * channels + tokens * context + pixels * tokens);
        own + if work.reads_text { cross } else { 0.0 } + 12.0 * channels * channels * pixels
    }

    /// The finest level with attention.
    pub(crate) fn finest_attention(&self) -> Option<usize> {
        self.levels.iter().position(crate::UnetLevel::attends)
    }

    /// Number of skip connections.
    pub fn skip_connections(&self) -> usize {
        skips(&Plan::new(&self.levels, self.mid_resnets, self.mid_attention).down).len()
    }
}

/// Pixels of a level, whose odd sizes are rounded up.
fn pixels(work: &Work, level: usize) -> f64 {
    let side = |side: usize| side.div_ceil(1 << level);
    (side(work.size.0) * side(work.size.1)) as f64
}

fn square(channels: usize) -> f64 {
    (channels * channels) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SD1: Work = Work { size: (64, 64), tokens: 77, branch: None, reads_text: true, merge_tokens: 0.0 };

    fn giga(config: &UnetConfig, work: Work) -> f64 {
        config.multiplications(&work) / 1e9
    }

    /// A profiler of diffusers' network counts 803 for two images.
    #[test]
    fn stable_diffusion_1_takes_400_billion_multiplications() {
        let found = giga(&UnetConfig::sd1(), SD1);
        assert!((found - 401.5).abs() < 1.0, "{found}");
    }

    #[test]
    fn the_last_branch_leaves_out_the_middle_alone() {
        let config = UnetConfig::sd1();
        let branch = config.skip_connections() - 1;
        let without = UnetConfig { mid_resnets: 0, ..config.clone() };
        let last = giga(&config, Work { branch: Some(branch), ..SD1 });
        assert!((last - giga(&without, SD1)).abs() < 1e-9);
        let costs: Vec<f64> = (0..=branch).map(|branch| giga(&config, Work { branch: Some(branch), ..SD1 })).collect();
        assert!(costs.is_sorted());
    }

    #[test]
    fn a_network_of_one_level_costs_what_its_layers_do() {
        let level = crate::UnetLevel::even(8, 1, 1, 2);
        let config = UnetConfig { levels: vec![level], mid_resnets: 0, cross_attention_dim: 6, ..UnetConfig::sd1() };
        let (time, pixels) = (32.0, 15.0);
        let layer = 20.0 * 64.0 * pixels + 2.0 * pixels * pixels * 8.0 + 2.0 * 8.0 * (5.0 * 6.0 + pixels * 5.0);
        let resnet = |input: f64, shortcut: f64| pixels * (9.0 * input * 8.0 + 9.0 * 64.0 + shortcut) + 8.0 * time;
        let ends = 9.0 * pixels * 8.0 * 8.0 + 8.0 * time + time * time;
        let expected = ends + resnet(8.0, 0.0) + 2.0 * resnet(16.0, 128.0) + 3.0 * layer;
        let work = Work { size: (3, 5), tokens: 5, ..SD1 };
        assert_eq!(config.multiplications(&work), expected);
        let shallow = ends + resnet(16.0, 128.0) + layer;
        assert_eq!(config.multiplications(&Work { branch: Some(0), ..work }), shallow);
    }
}
