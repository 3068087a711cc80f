use crate::name_table::Table;
use crate::single_file::{UnetPlan, unet};

/// The modules that only a ControlNet for several conditions has; their names are the same in both layouts.
const UNION: [&str; 4] = ["task_embedding", "transformer_layes", "spatial_ch_projs", "control_add_embedding"];

/// Returns the names of a ControlNet whose tensors have these names of the original program.
pub(super) fn from_original<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> Table {
    // A Control-LoRA has the factors of a weight in its place.
    let weights: Vec<String> = keys.map(|key| key.strip_suffix(".up").map_or(key.into(), whole)).collect();
    let count = |key: &dyn Fn(usize) -> String| (0..).take_while(|n| weights.contains(&key(*n))).count();
    let plan = UnetPlan::from_single(weights.iter().map(String::as_str));
    let hints = count(&|n| format!("input_hint_block.{}.weight", 2 * n));
    table(&plan, hints, count(&|n| format!("zero_convs.{n}.0.weight")))
}

/// Returns the names of a ControlNet whose tensors have these names of diffusers.
pub(super) fn from_diffusers<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> Table {
    let count =
        |key: &dyn Fn(usize) -> String| (0..).take_while(|n| keys.clone().any(|found| found == key(*n))).count();
    let hints = 2 + count(&|n| format!("controlnet_cond_embedding.blocks.{n}.weight"));
    let skips = count(&|n| format!("controlnet_down_blocks.{n}.weight"));
    table(&UnetPlan::from_diffusers(keys.clone()), hints, skips)
}

/// Returns the name of the weight that a module's factors make.
pub(super) fn whole(module: &str) -> String {
    format!("{module}.weight")
}

/// The names for `hints` convolutions of the hint, and `skips` of the outputs.
fn table(plan: &UnetPlan, hints: usize, skips: usize) -> Table {
    let mut table = unet(plan);
    for n in 0..hints {
        let module = match n {
            0 => "conv_in".to_string(),
            n if n + 1 == hints => "conv_out".to_string(),
            n => format!("blocks.{}", n - 1),
        };
        // A non-linearity follows each convolution.
        table.row(format!("input_hint_block.{}", 2 * n), format!("controlnet_cond_embedding.{module}"));
    }
    for n in 0..skips {
        table.row(format!("zero_convs.{n}.0"), format!("controlnet_down_blocks.{n}"));
    }
    table.row("middle_block_out.0", "controlnet_mid_block");
    UNION.into_iter().for_each(|module| table.row(module, module));
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::View;

    #[test]
    fn both_layouts_give_the_same_names() {
        let pairs = [
            ("time_embed.0.weight", "time_embedding.linear_1.weight"),
            ("label_emb.0.2.bias", "add_embedding.linear_2.bias"),
            ("input_blocks.0.0.weight", "conv_in.weight"),
            ("input_blocks.1.0.in_layers.2.weight", "down_blocks.0.resnets.0.conv1.weight"),
            ("input_blocks.1.1.proj_in.weight", "down_blocks.0.attentions.0.proj_in.weight"),
            ("input_blocks.2.0.op.weight", "down_blocks.0.downsamplers.0.conv.weight"),
            ("input_blocks.3.0.in_layers.2.weight", "down_blocks.1.resnets.0.conv1.weight"),
            ("middle_block.2.out_layers.3.weight", "mid_block.resnets.1.conv2.weight"),
            ("middle_block_out.0.weight", "controlnet_mid_block.weight"),
            ("zero_convs.0.0.weight", "controlnet_down_blocks.0.weight"),
            ("zero_convs.1.0.weight", "controlnet_down_blocks.1.weight"),
            ("input_hint_block.0.weight", "controlnet_cond_embedding.conv_in.weight"),
            ("input_hint_block.2.weight", "controlnet_cond_embedding.blocks.0.weight"),
            ("input_hint_block.4.weight", "controlnet_cond_embedding.blocks.1.weight"),
            ("input_hint_block.6.weight", "controlnet_cond_embedding.conv_out.weight"),
            ("task_embedding", "task_embedding"),
        ];
        let tables =
            [from_original(pairs.iter().map(|(key, _)| *key)), from_diffusers(pairs.iter().map(|(_, key)| *key))];
        for (original, diffusers) in pairs {
            for table in &tables {
                assert_eq!(table.to_diffusers(original), [(diffusers.to_string(), View::Whole)]);
                assert_eq!(table.to_single(diffusers), Some((original.to_string(), View::Whole)));
            }
        }
    }

    #[test]
    fn factors_are_named_like_the_weight_they_make() {
        let keys = ["input_blocks.1.0.in_layers.2.up", "input_blocks.2.0.op.up", "input_blocks.3.0.in_layers.2.up"];
        let table = from_original(keys.into_iter());
        let name = |key| table.to_diffusers(key).swap_remove(0).0;
        assert_eq!(name("input_blocks.3.0.in_layers.2.down"), "down_blocks.1.resnets.0.conv1.down");
        assert_eq!(name("input_blocks.2.0.op.up"), "down_blocks.0.downsamplers.0.conv.up");
    }
}
