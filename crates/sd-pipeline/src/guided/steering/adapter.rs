use burn::tensor::Tensor;

use crate::ControlMode;
use crate::control::Window;
use crate::guided::texts::Slot;

/// The feature maps of an adapter, which are the same at every step.
pub struct Adapter {
    pub features: Vec<Tensor<4>>,
    pub window: Window,
    pub mode: ControlMode,
}

impl Adapter {
    /// The feature maps for the rows of a call.
    pub fn rows(&self, slots: &[Slot]) -> Vec<Tensor<4>> {
        self.features.iter().map(|feature| self.feature_rows(feature, slots)).collect()
    }

    fn feature_rows(&self, feature: &Tensor<4>, slots: &[Slot]) -> Tensor<4> {
        let row = |slot: &Slot| match self.mode == ControlMode::Control && slot.is_negative() {
            true => feature.zeros_like(),
            false => feature.clone(),
        };
        Tensor::cat(slots.iter().map(row).collect(), 0)
    }
}
