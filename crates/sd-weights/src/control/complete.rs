//! Control networks whose weights are those of the model's U-Net, with changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kind::ControlKind;
use super::names::whole;
use super::recognise::ControlWeights;
use crate::lora::{Delta, Factor, LoraPatch, Product, Source};
use crate::tensor_view::matrix_shape;
use crate::{Weights, WeightsError};

/// Modules of a U-Net that a ControlNet has too.
const SHARED: [&str; 5] = ["conv_in.", "time_embedding.", "add_embedding.", "down_blocks.", "mid_block."];

impl ControlWeights {
    /// Returns all tensors of the network. If [its kind](ControlKind::needs_unet) needs the U-Net that it is used with, tensors
    /// of `unet` take the place of those that the file lacks; differences and products of low rank are added when they are
    /// loaded, and so are LoRAs that were merged into the U-Net.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] for a change without a tensor of the U-Net, or of another shape.
    pub fn complete(&self, unet: &Weights) -> Result<Weights, WeightsError> {
        if !self.kind.needs_unet() {
            return Ok(self.own.clone());
        }
        let source = Arc::new(Source(self.own.clone()));
        let mut all = self.own.clone();
        all.tensors.retain(|key, _| factors(key).is_none());
        let mut changes = self.changes()?;
        for (key, tensor) in unet.tensors.iter().filter(|(key, _)| is_shared(key)) {
            let change = changes.remove(key);
            if change.is_none() && all.tensors.contains_key(key) {
                continue;
            }
            all.tensors.insert(key.clone(), tensor.clone());
            if let Some(patches) = unet.patches.get(key) {
                all.patches.insert(key.clone(), patches.clone());
            }
            let Some(delta) = change else { continue };
            let (found, expected) = (delta.shape(&tensor.shape, &source), matrix_shape(&tensor.shape));
            if found != Some(expected) {
                let name = self.own.name_in_file(key);
                let found = found.map_or("of factors that do not fit each other".into(), |found| format!("{found:?}"));
                return Err(
                    self.mismatch(format!("the change of `{name}` is {found}, but the U-Net's is {expected:?}"))
                );
            }
            all.patch(key.clone(), Arc::new(LoraPatch { source: source.clone(), scale: 1.0, delta }));
        }
        match changes.keys().find(|key| is_shared(key)) {
            Some(key) => {
                let name = self.own.name_in_file(key);
                Err(self.mismatch(format!("it changes `{name}`, which the model's U-Net does not have")))
            }
            None => Ok(all),
        }
    }

    /// Returns the file's changes of the U-Net's tensors by the tensor's name.
    fn changes(&self) -> Result<BTreeMap<String, Delta>, WeightsError> {
        let mut changes = BTreeMap::new();
        for key in self.own.keys() {
            match (self.kind, factors(key)) {
                (ControlKind::Lora, Some((module, part))) => {
                    let [up, down] = ["up", "down"].map(|part| format!("{module}.{part}"));
                    if let Some(missing) = [&up, &down].into_iter().find(|key| self.own.shape(key).is_none()) {
                        let [found, missing] = [key, &missing[..]].map(|key| self.own.name_in_file(key));
                        return Err(self.mismatch(format!("`{found}` is there without `{missing}`")));
                    }
                    if part == "up" {
                        let product = Product::One(Factor::Product(up, down));
                        changes.insert(whole(module), Delta::LowRank(product, 1.0));
                    }
                }
                (ControlKind::Difference, _) if is_shared(key) => {
                    changes.insert(key.to_string(), Delta::Difference(key.to_string(), 1.0));
                }
                _ => {}
            }
        }
        Ok(changes)
    }

    fn mismatch(&self, problems: String) -> WeightsError {
        WeightsError::Mismatch { file: self.own.origin.clone(), problems }
    }
}

/// Whether a U-Net may have this tensor too.
fn is_shared(key: &str) -> bool {
    SHARED.iter().any(|module| key.starts_with(module))
}

/// Splits the name of a factor of a weight into its module and `up` or `down`.
fn factors(key: &str) -> Option<(&str, &str)> {
    key.rsplit_once('.').filter(|(_, part)| ["up", "down"].contains(part))
}
