use crate::name_table::Table;

/// The modules of the attention in the middle, which are 1×1 convolutions in a single file.
const ATTENTION: [(&str, &str); 5] =
    [("norm", "group_norm"), ("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")];

/// Other names of the same modules, in files of programs that kept the names of the diffusers layout.
const ALIASES: [(&str, &str); 9] = [
    ("group_norm", "group_norm"),
    ("to_q", "to_q"),
    ("to_k", "to_k"),
    ("to_v", "to_v"),
    ("to_out.0", "to_out.0"),
    ("query", "to_q"),
    ("key", "to_k"),
    ("value", "to_v"),
    ("proj_attn", "to_out.0"),
];

/// Returns the names of an autoencoder with `levels` levels. The decoder's levels are numbered from the finest in a single
/// file, and from the coarsest in the diffusers layout.
pub fn vae(levels: usize) -> Table {
    let mut table = Table::default();
    for module in ["encoder.conv_in", "encoder.conv_out", "decoder.conv_in", "decoder.conv_out"] {
        table.row(module, module);
    }
    for module in ["quant_conv", "post_quant_conv"] {
        table.row(module, module);
    }
    for side in ["encoder", "decoder"] {
        table.row(format!("{side}.norm_out"), format!("{side}.conv_norm_out"));
        for (single, diffusers) in [("block_1", "resnets.0"), ("block_2", "resnets.1")] {
            table.row(format!("{side}.mid.{single}"), format!("{side}.mid_block.{diffusers}"));
        }
        for (single, diffusers) in ATTENTION {
            table.row(format!("{side}.mid.attn_1.{single}"), format!("{side}.mid_block.attentions.0.{diffusers}"));
        }
        for (single, diffusers) in ALIASES {
            table.alias(format!("{side}.mid.attn_1.{single}"), format!("{side}.mid_block.attentions.0.{diffusers}"));
        }
    }
    for level in 0..levels {
        let down = (format!("encoder.down.{level}"), format!("encoder.down_blocks.{level}"), "down");
        let up = (format!("decoder.up.{level}"), format!("decoder.up_blocks.{}", levels - 1 - level), "up");
        for (single, diffusers, way) in [down, up] {
            table.row(format!("{single}.block"), format!("{diffusers}.resnets"));
            // Channels change in a level's first residual block only.
            table.row(format!("{single}.block.0.nin_shortcut"), format!("{diffusers}.resnets.0.conv_shortcut"));
            table.row(format!("{single}.{way}sample.conv"), format!("{diffusers}.{way}samplers.0.conv"));
        }
    }
    table
}

/// Counts the levels of an autoencoder by its encoder's keys, in either layout.
pub fn vae_levels<'a>(keys: impl Iterator<Item = &'a str> + Clone) -> usize {
    let any_starts_with = |start: String| keys.clone().any(|key| key.starts_with(&start));
    let level = |i: &usize| {
        any_starts_with(format!("encoder.down.{i}.block."))
            || any_starts_with(format!("encoder.down_blocks.{i}.resnets."))
    };
    (0..).take_while(level).count()
}
