//! The moving average of a U-Net's weights, which training checkpoints hold too, under names without dots.

use super::family::UNET;
use crate::{View, Weights, WeightsError};

/// Selects one of the two sets of U-Net weights in a training checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WeightSet {
    /// The last weights. Most published files have only these; of a file that has only the average, the average.
    #[default]
    Last,
    /// Their moving average, `model_ema`, which whole training checkpoints have too.
    Ema,
}

const EMA: &str = "model_ema.diffusion_model";

/// The words of a U-Net's names. A word that is the beginning of another one follows it.
const WORDS: [&str; 30] = [
    "attn1",
    "attn2",
    "bias",
    "conv",
    "emb_layers",
    "ff",
    "in_layers",
    "input_blocks",
    "label_emb",
    "middle_block",
    "net",
    "norm1",
    "norm2",
    "norm3",
    "norm",
    "op",
    "out_layers",
    "output_blocks",
    "out",
    "proj_in",
    "proj_out",
    "proj",
    "skip_connection",
    "time_embed",
    "to_k",
    "to_out",
    "to_q",
    "to_v",
    "transformer_blocks",
    "weight",
];

/// Words that two numbers follow, the second of one digit.
const NUMBERED_TWICE: [&str; 3] = ["input_blocks", "label_emb", "output_blocks"];

/// Keeps the requested set of U-Net weights, or the average if it is the only one.
///
/// # Errors
///
/// [`WeightsError::Mismatch`] if the average is requested and missing.
pub(super) fn select(weights: Weights, set: WeightSet) -> Result<Weights, WeightsError> {
    let any_starts_with = |start: &str| weights.keys().any(|key| key.starts_with(start));
    match (set, any_starts_with(UNET), any_starts_with(EMA)) {
        (WeightSet::Last, true, _) | (_, false, false) => Ok(weights),
        (_, _, true) => weights.select(|key| match (key.strip_prefix(EMA), key.starts_with(UNET)) {
            (Some(name), _) => dotted(name).map(|name| (format!("{UNET}{name}"), View::Whole)).into_iter().collect(),
            (None, true) => Vec::new(),
            (None, false) => vec![(key.to_string(), View::Whole)],
        }),
        (WeightSet::Ema, true, false) => Err(WeightsError::Mismatch {
            file: weights.origin().to_path_buf(),
            problems: "there is no moving average of its weights; use the last weights".into(),
        }),
    }
}

/// Restores the dots of a name; `None` if it is not a U-Net's.
fn dotted(name: &str) -> Option<String> {
    if let Some(name) = name.strip_prefix('.') {
        return Some(name.to_string());
    }
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (part, after) = match digits {
            0 => {
                let word = WORDS.iter().find(|word| rest.starts_with(**word))?;
                rest.split_at(word.len())
            }
            digits => rest.split_at(digits),
        };
        match parts.last() {
            Some(word) if NUMBERED_TWICE.contains(word) && part.len() > 1 && digits > 0 => {
                let (first, second) = part.split_at(part.len() - 1);
                parts.extend([first, second]);
            }
            _ => parts.push(part),
        }
        rest = after;
    }
    Some(parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_their_dots_back() {
        for name in [
            "input_blocks.0.0.weight",
            "input_blocks.11.0.in_layers.2.bias",
            "input_blocks.3.0.op.weight",
            "output_blocks.5.2.conv.bias",
            "middle_block.1.transformer_blocks.9.attn1.to_out.0.weight",
            "output_blocks.10.1.transformer_blocks.0.ff.net.0.proj.weight",
            "input_blocks.1.1.norm.weight",
            "input_blocks.1.1.transformer_blocks.0.norm2.bias",
            "label_emb.0.2.weight",
            "time_embed.2.bias",
            "out.2.weight",
        ] {
            assert_eq!(dotted(&name.replace('.', "")).as_deref(), Some(name));
            assert_eq!(dotted(&format!(".{name}")).as_deref(), Some(name), "it may have kept its dots");
        }
        assert_eq!(dotted("time_mixer0weight"), None);
    }
}
