use crate::name_table::Table;
use crate::single_file::{find_prefix, part, renamed};
use crate::{View, Weights, WeightsError};

/// The first residual block in the layout of diffusers, in the original one of a light adapter, and in that of a full one. The last
/// is the end of the others' names, so it is looked for last.
const FIRST_BLOCKS: [(Layout, &str); 3] = [
    (Layout::Diffusers, "adapter.body.0.resnets.0.block1.weight"),
    (Layout::Light, "body.0.body.0.block1.weight"),
    (Layout::Full, "body.0.block1.weight"),
];

/// Feature maps of an adapter: one for each level of the U-Net of 1.x.
const FEATURES: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Diffusers,
    Light,
    Full,
}

/// Whether these are the weights of a T2I-Adapter, in either layout.
pub fn is_t2i_adapter(weights: &Weights) -> bool {
    layout(weights).is_some()
}

/// Renames a T2I-Adapter to the names of diffusers, `adapter.body.0.resnets.0.block1` and so on. The file may have these names or
/// those of the original program, `body.0.block1` and so on, with or without a prefix.
///
/// # Errors
///
/// [`WeightsError::NotAModel`] for anything else.
pub fn t2i_adapter(weights: &Weights) -> Result<Weights, WeightsError> {
    let Some((layout, prefix)) = layout(weights) else {
        let (file, what) = (weights.origin().to_path_buf(), "no T2I-Adapter".to_string());
        let remedy =
            "expected the names of diffusers (adapter.body.0.resnets…) or of the original program (body.0.block1…)";
        return Err(WeightsError::NotAModel { file, what, remedy: remedy.into() });
    };
    let table = match layout {
        Layout::Diffusers => diffusers(),
        Layout::Light => light(),
        Layout::Full => full(count(weights, &prefix)),
    };
    renamed(weights, &prefix, table, |key, table| match key.starts_with(&prefix) {
        true => part(key, &prefix, table),
        false => vec![(key.to_string(), View::Whole)],
    })
}

fn layout(weights: &Weights) -> Option<(Layout, String)> {
    FIRST_BLOCKS.into_iter().find_map(|(layout, block)| Some((layout, find_prefix(weights, &[block])?)))
}

/// Counts the residual blocks of a full adapter in the original layout.
fn count(weights: &Weights, prefix: &str) -> usize {
    (0..).take_while(|i| weights.shape(&format!("{prefix}body.{i}.block1.weight")).is_some()).count()
}

fn diffusers() -> Table {
    let mut table = Table::default();
    table.row("adapter", "adapter");
    table
}

/// Returns the names of a light adapter. Its blocks have the same numbers in both layouts.
fn light() -> Table {
    let mut table = Table::default();
    for level in 0..FEATURES {
        for (original, diffusers) in [("in_conv", "in_conv"), ("body", "resnets"), ("out_conv", "out_conv")] {
            table.row(format!("body.{level}.{original}"), format!("adapter.body.{level}.{diffusers}"));
        }
    }
    table
}

/// Returns the names of a full adapter with `blocks` residual blocks, which the original layout numbers through.
fn full(blocks: usize) -> Table {
    let mut table = Table::default();
    table.row("conv_in", "adapter.conv_in");
    let each = blocks.div_ceil(FEATURES).max(1);
    for block in 0..blocks {
        let (level, j) = (block / each, block % each);
        for conv in ["block1", "block2"] {
            table.row(format!("body.{block}.{conv}"), format!("adapter.body.{level}.resnets.{j}.{conv}"));
        }
        if j == 0 {
            table.row(format!("body.{block}.in_conv"), format!("adapter.body.{level}.in_conv"));
        }
    }
    table
}
