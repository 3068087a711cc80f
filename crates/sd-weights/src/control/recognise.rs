use std::sync::Arc;

use super::kind::{ControlKind, ControlLayout};
use super::t2i_adapter::{is_t2i_adapter, t2i_adapter};
use super::{foreign, names};
use crate::name_table::Table;
use crate::single_file::find_prefix;
use crate::weights::Naming;
use crate::{View, Weights, WeightsError};

/// The first convolution of a hint, in the original programs' layout and in diffusers'.
const FIRST_CONVOLUTIONS: [&str; 2] = ["input_hint_block.0.weight", "controlnet_cond_embedding.conv_in.weight"];

/// Tensors without values that say what the others are.
const DIFFERENCE: &str = "difference";
const LORA: &str = "lora_controlnet";

/// The tensors of a control network's file, under diffusers' names.
#[derive(Debug, Clone)]
pub struct ControlWeights {
    /// What the file holds.
    pub kind: ControlKind,
    /// Whose names its tensors have in the file.
    pub layout: ControlLayout,
    /// The tensors: of a [`Difference`](ControlKind::Difference) the differences, of a [`Lora`](ControlKind::Lora) also the
    /// factors of weights, called `up` and `down`.
    pub own: Weights,
}

impl ControlWeights {
    /// Whether these are the tensors of a control network, supported or not, perhaps beside those of a whole model.
    pub fn are_in(weights: &Weights) -> bool {
        find_prefix(weights, &FIRST_CONVOLUTIONS).is_some() || is_t2i_adapter(weights) || foreign::is_relative(weights)
    }

    /// Recognises what the tensors of a file are. All names may have a prefix, such as `control_model.`; tensors without it are
    /// left out, for the first ControlNets came with the model they were trained with.
    ///
    /// # Errors
    ///
    /// [`WeightsError::NotAModel`] with a description of anything else.
    pub fn recognise(weights: Weights) -> Result<Self, WeightsError> {
        let has = |key: &str| weights.shape(key).is_some();
        let found = FIRST_CONVOLUTIONS.iter().find_map(|first| Some((*first, find_prefix(&weights, &[first])?)));
        let Some((first, prefix)) = found else { return Self::adapter(&weights) };
        foreign::refuse_video(&weights)?;
        let kind = match () {
            () if has(LORA) => ControlKind::Lora,
            () if has(DIFFERENCE) => ControlKind::Difference,
            () if has(&format!("{prefix}task_embedding")) => ControlKind::Union,
            () => ControlKind::Net,
        };
        let layout = match first == FIRST_CONVOLUTIONS[0] {
            true => ControlLayout::Original,
            false => ControlLayout::Diffusers,
        };
        let keys = weights.keys().filter_map(|key| key.strip_prefix(&prefix));
        let table = match layout {
            ControlLayout::Original => names::from_original(keys),
            ControlLayout::Diffusers => Table::default(),
        };
        let own = weights.select(|key| match key.strip_prefix(&prefix) {
            Some(name) if ![LORA, DIFFERENCE].contains(&name) => {
                let names = table.to_diffusers(name);
                // An unknown tensor keeps its name, and is later reported as unknown.
                if names.is_empty() { vec![(name.to_string(), View::Whole)] } else { names }
            }
            _ => Vec::new(),
        })?;
        let naming = (layout == ControlLayout::Original).then(|| Naming { prefix, table: Arc::new(table) });
        Ok(Self { kind, layout, own: Weights { naming, ..own } })
    }

    fn adapter(weights: &Weights) -> Result<Self, WeightsError> {
        if !is_t2i_adapter(weights) {
            return Err(foreign::other(weights));
        }
        let own = t2i_adapter(weights)?;
        let is_same = |key: &str| weights.shape(key).is_some();
        let layout = if own.keys().all(is_same) { ControlLayout::Diffusers } else { ControlLayout::Original };
        Ok(Self { kind: ControlKind::Adapter, layout, own })
    }
}
