use burn::tensor::Tensor;
use sd_unet::{AddedConditions, Conditions, Residuals};

use crate::guided::texts::Slot;

/// The rows of a call of the U-Net.
pub struct Rows<'a> {
    pub x: &'a Tensor<4>,
    pub t: &'a [f64],
    pub slots: &'a [Slot],
    pub conditions: &'a Conditions,
}

impl Rows<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.slots.len()
    }
}

/// Some rows of a tensor.
pub fn chosen<const D: usize>(x: &Tensor<D>, rows: &[usize]) -> Tensor<D> {
    Tensor::cat(rows.iter().map(|row| x.clone().narrow(0, *row, 1)).collect(), 0)
}

/// The text and the sizes of some rows.
pub fn chosen_conditions(conditions: &Conditions, rows: &[usize]) -> Conditions {
    let chosen_added = |added: &AddedConditions| AddedConditions {
        text_embeds: chosen(&added.text_embeds, rows),
        time_ids: rows.iter().map(|row| added.time_ids[*row].clone()).collect(),
    };
    let mut text = Conditions::new(chosen(&conditions.context, rows));
    text.guidance = conditions.guidance;
    match &conditions.added {
        Some(added) => text.with_added(chosen_added(added)),
        None => text,
    }
}

/// Puts residuals into the rows that they are for; the others are zeros.
pub fn spread(residuals: &Residuals, rows: &[usize], total: usize) -> Residuals {
    let spread = |x: &Tensor<4>| {
        let zeros = x.clone().narrow(0, 0, 1).zeros_like();
        let row = |i: usize| match rows.iter().position(|row| *row == i) {
            Some(at) => x.clone().narrow(0, at, 1),
            None => zeros.clone(),
        };
        Tensor::cat((0..total).map(row).collect(), 0)
    };
    Residuals { skips: residuals.skips.iter().map(spread).collect(), mid: spread(&residuals.mid) }
}
