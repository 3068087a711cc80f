use std::collections::BTreeSet;

use crate::name_table::Table;

/// The parts of a U-Net's shape that its modules' names depend on.
#[derive(Debug, PartialEq, Eq)]
pub struct UnetPlan {
    /// Residual blocks per level on the way down; one more on the way up.
    resnets: usize,
    /// Whether each level of the way up has attention, the coarsest first.
    up_attention: Vec<bool>,
}

impl UnetPlan {
    /// Infers the plan from the keys of a single file, without the prefix before `input_blocks`.
    pub fn from_single<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let keys: BTreeSet<&str> = keys.collect();
        let is_downsampler = |n: &usize| keys.contains(&format!("input_blocks.{n}.0.op.weight")[..]);
        let inputs = (1..)
            .take_while(|n| is_downsampler(n) || keys.contains(&format!("input_blocks.{n}.0.in_layers.2.weight")[..]));
        let (downsamplers, resnets): (Vec<usize>, Vec<usize>) = inputs.partition(is_downsampler);
        let levels = downsamplers.len() + 1;
        let resnets = downsamplers.first().map_or(resnets.len(), |first| first - 1);
        let attends = |up: usize| keys.contains(&format!("output_blocks.{}.1.norm.weight", up * (resnets + 1))[..]);
        Self { resnets, up_attention: (0..levels).map(attends).collect() }
    }

    /// Infers the plan from the keys of the diffusers layout.
    pub fn from_diffusers<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let keys: BTreeSet<&str> = keys.collect();
        let count = |name: &dyn Fn(usize) -> String| (0..).take_while(|n| keys.contains(&name(*n)[..])).count();
        let levels = count(&|i| format!("down_blocks.{i}.resnets.0.conv1.weight"));
        let attends = |up: usize| keys.contains(&format!("up_blocks.{up}.attentions.0.norm.weight")[..]);
        Self {
            resnets: count(&|j| format!("down_blocks.0.resnets.{j}.conv1.weight")),
            up_attention: (0..levels).map(attends).collect(),
        }
    }
}

/// The modules of a residual block.
const RESNET: [(&str, &str); 6] = [
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
];

/// Returns the names of a U-Net: numbered input and output blocks in a single file, levels in the diffusers layout.
///
/// Names inside transformers are the same in both.
pub fn unet(plan: &UnetPlan) -> Table {
    let UnetPlan { resnets, up_attention } = plan;
    let levels = up_attention.len();
    let mut table = Table::default();
    for (single, diffusers) in [
        ("time_embed.0", "time_embedding.linear_1"),
        ("time_embed.2", "time_embedding.linear_2"),
        ("time_embed.cond_proj", "time_embedding.cond_proj"),
        ("label_emb.0.0", "add_embedding.linear_1"),
        ("label_emb.0.2", "add_embedding.linear_2"),
        ("input_blocks.0.0", "conv_in"),
        ("middle_block.1", "mid_block.attentions.0"),
        ("out.0", "conv_norm_out"),
        ("out.2", "conv_out"),
    ] {
        table.row(single, diffusers);
    }
    resnet(&mut table, "middle_block.0", "mid_block.resnets.0");
    resnet(&mut table, "middle_block.2", "mid_block.resnets.1");
    for (level, attends) in up_attention.iter().enumerate() {
        // After the first convolution, each level down has its residual blocks and a downsampler.
        let (first_down, first_up) = (1 + level * (resnets + 1), level * (resnets + 1));
        let down = (0..*resnets).map(|j| ("input", first_down + j, "down", j));
        let up = (0..=*resnets).map(|j| ("output", first_up + j, "up", j));
        for (side, n, way, j) in down.chain(up) {
            resnet(&mut table, &format!("{side}_blocks.{n}.0"), &format!("{way}_blocks.{level}.resnets.{j}"));
            table.row(format!("{side}_blocks.{n}.1"), format!("{way}_blocks.{level}.attentions.{j}"));
        }
        if level + 1 < levels {
            let (last_down, last_up) = (first_down + resnets, first_up + resnets);
            table.row(format!("input_blocks.{last_down}.0.op"), format!("down_blocks.{level}.downsamplers.0.conv"));
            // The upsampler follows the attention, if there is one.
            let index = 1 + usize::from(*attends);
            table.row(format!("output_blocks.{last_up}.{index}.conv"), format!("up_blocks.{level}.upsamplers.0.conv"));
        }
    }
    table
}

fn resnet(table: &mut Table, single: &str, diffusers: &str) {
    for (here, there) in RESNET {
        table.row(format!("{single}.{here}"), format!("{diffusers}.{there}"));
    }
}
