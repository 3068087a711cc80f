use std::sync::Arc;

use sd_model::Control;
use sd_unet::{Hint, Residuals};

use super::rows::{Rows, chosen, chosen_conditions, spread};
use crate::ControlMode;
use crate::control::Window;

/// A control network that runs beside the U-Net, with its images: several only for a network that reads several kinds.
pub struct Net {
    pub network: Arc<Control>,
    pub hints: Vec<NetHint>,
    pub mode: ControlMode,
    pub is_guessing: bool,
    /// Whether the outputs are averaged over the image.
    pub is_pooled: bool,
}

pub struct NetHint {
    pub hint: Hint,
    pub scale: f64,
    pub window: Window,
}

impl Net {
    /// What the network adds for some of its hints.
    pub fn residuals(&self, all: &Rows, hints: &[&NetHint]) -> Option<Residuals> {
        let Control::Net(network) = &*self.network else { return None };
        let spares_negative = self.is_guessing || self.is_pooled || self.mode == ControlMode::Control;
        let count = all.len();
        let rows: Vec<usize> = (0..count).filter(|i| !(spares_negative && all.slots[*i].is_negative())).collect();
        if rows.is_empty() || hints.is_empty() {
            return None;
        }
        // As in diffusers, the scale of one hint is a factor on the residuals, and several have theirs in the network.
        let (hints, scale) = match hints {
            [single] => (vec![single.hint.clone()], single.scale),
            several => (several.iter().map(|hint| hint.hint.clone().with_scale(hint.scale)).collect(), 1.0),
        };
        let x = all.x.clone().cast(network.dtype());
        let residuals = if rows.len() == count {
            network.forward(x, all.t, all.conditions, &hints)
        } else {
            let t: Vec<f64> = rows.iter().map(|i| all.t[*i]).collect();
            network.forward(chosen(&x, &rows), &t, &chosen_conditions(all.conditions, &rows), &hints)
        };
        let factors = self.factors(residuals.skips.len(), scale);
        let residuals = residuals.scaled(&factors);
        let residuals = if self.is_pooled { residuals.pooled() } else { residuals };
        Some(if rows.len() == count { residuals } else { spread(&residuals, &rows, count) })
    }

    /// A factor for each of so many skip connections, and one for the middle.
    fn factors(&self, skips: usize, scale: f64) -> Vec<f64> {
        let factor = |i: usize| match self.mode {
            // diffusers' guess mode: from a tenth to 1, evenly in the logarithm.
            _ if self.is_guessing && !self.is_pooled => 10f64.powf(i as f64 / skips as f64 - 1.0),
            ControlMode::Balanced => 1.0,
            ControlMode::Prompt | ControlMode::Control => soft(i, skips),
        };
        (0..=skips).map(|i| scale * factor(i)).collect()
    }
}

/// The factor of a residual in AUTOMATIC1111's control modes, as in Forge: it grows towards the coarsest level, and is 1 for the middle.
fn soft(i: usize, skips: usize) -> f64 {
    if i == skips { 1.0 } else { 0.825f64.powi(12 - i as i32) }
}
