use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Tensor;

use super::delta::Delta;
use super::file::{Entry, Lora};
use super::source::Source;
use super::target::{Component, Slot, Target};
use crate::patch::Patch;
use crate::single_file::{UnetPlan, unet};
use crate::tensor_view::{TensorView, matrix_shape};
use crate::{Weights, WeightsError};

/// Which modules of a LoRA file changed a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoraReport {
    /// The number of modules that change the model.
    pub matched: usize,
    /// The modules without a counterpart in the model, and such tensors of the other modules.
    pub unmatched: Vec<String>,
    /// The words that the file adds to prompts, see [`Lora::words`].
    pub words: Vec<String>,
}

/// A change of one tensor, at the scale of its file.
#[derive(Debug)]
pub(crate) struct LoraPatch {
    pub source: Arc<Source>,
    pub scale: f64,
    pub delta: Delta,
}

/// A change and the tensor that it changes: the network's index, and the key there.
struct Match<'a> {
    network: usize,
    key: &'a str,
    tensor: &'a TensorView,
    entry: &'a Entry,
}

impl Lora {
    /// Adds the file's changes to the weights of a model's networks, which apply them when they are loaded.
    ///
    /// Several files may be merged, in any order: each adds to the weights what it would add alone. So does each of several
    /// modules of a file that change the same weights, unless their tensors are equal: then they count as one module.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Lora`] if the networks have none of the file's modules, or one of another shape; then nothing is
    /// changed.
    pub fn merge(&self, networks: &mut [(Component, &mut Weights)]) -> Result<LoraReport, WeightsError> {
        let unnamed = self.unnamed(networks);
        let mut found = Vec::new();
        for (network, (component, weights)) in networks.iter().enumerate() {
            // kohya's files for XL have the names of the original program.
            let original = (*component == Component::Unet).then(|| unet(&UnetPlan::from_diffusers(weights.keys())));
            for (key, tensor) in &weights.tensors {
                let other = original.as_ref().and_then(|table| table.to_single(key)).map(|(key, _)| key);
                let names = [Some(&key[..]), other.as_deref()].into_iter().flatten();
                let targets: BTreeSet<Target> = names.filter_map(|name| Target::from_key(*component, name)).collect();
                let targets = targets.into_iter().flat_map(|target| {
                    let unnamed = (unnamed == Some(*component)).then(|| target.clone().unnamed());
                    unnamed.into_iter().chain([target])
                });
                let entries = targets.filter_map(|target| self.entries.get(&target)).flatten();
                found.extend(entries.map(|entry| Match { network, key, tensor, entry }));
            }
        }
        let report = self.report(&found);
        self.check(&found, &report)?;
        for (network, key, patch) in self.patches(&found)? {
            networks[network].1.patch(key, patch);
        }
        Ok(report)
    }

    /// Chooses the text encoder of modules that do not name one: the first that most of them fit.
    fn unnamed(&self, networks: &[(Component, &mut Weights)]) -> Option<Component> {
        let count = |component: Component, weights: &Weights| {
            let is_fitting = |(key, tensor): &(&String, &TensorView)| {
                let target = Target::from_key(component, key).map(Target::unnamed);
                let mut entries = target.and_then(|target| self.entries.get(&target)).into_iter().flatten();
                entries.any(|entry| self.shape(entry, tensor) == Some(matrix_shape(&tensor.shape)))
            };
            weights.tensors.iter().filter(is_fitting).count()
        };
        // `max_by_key` returns the last of equal ones, so the order is reversed.
        let texts = networks.iter().filter(|(component, _)| *component != Component::Unet).rev();
        texts.max_by_key(|(component, weights)| count(*component, weights)).map(|(component, _)| *component)
    }

    fn shape(&self, entry: &Entry, tensor: &TensorView) -> Option<[usize; 2]> {
        entry.part.delta.shape(&tensor.shape, &self.source)
    }

    fn report(&self, found: &[Match]) -> LoraReport {
        let matched: BTreeSet<&str> = found.iter().map(|found| &found.entry.module[..]).collect();
        let is_unmatched =
            |entry: &&Entry| !entry.part.is_optional && !found.iter().any(|found| std::ptr::eq(found.entry, *entry));
        let unmatched = self.entries.values().flatten().filter(is_unmatched);
        let unmatched: BTreeSet<&String> = unmatched
            .map(|entry| match (&entry.part.delta, entry.part.slot) {
                (Delta::Difference(key, _) | Delta::Replacement(key), Slot::Bias)
                    if matched.contains(&entry.module[..]) =>
                {
                    key
                }
                _ => &entry.module,
            })
            .collect();
        let unmatched = unmatched.into_iter().chain(&self.unknown).cloned().collect();
        let words = self.words.iter().map(|inversion| inversion.word.clone()).collect();
        LoraReport { matched: matched.len(), unmatched, words }
    }

    fn check(&self, found: &[Match], report: &LoraReport) -> Result<(), WeightsError> {
        let error = |reason| Err(WeightsError::Lora { file: self.source.file(), reason });
        let misshapen: Vec<String> = found
            .iter()
            .filter_map(|Match { tensor, entry, .. }| {
                let shape = self.shape(entry, tensor);
                let message =
                    || format!("`{}` {:?} instead of {:?}", entry.module, shape.unwrap_or([0, 0]), tensor.shape);
                (shape != Some(matrix_shape(&tensor.shape))).then(message)
            })
            .collect();
        if !misshapen.is_empty() {
            let (count, some) = (misshapen.len(), misshapen[..misshapen.len().min(3)].join(", "));
            return error(format!("{count} of its modules are of another shape than the model's: {some}"));
        }
        if found.is_empty() && !self.entries.is_empty() {
            let modules: BTreeSet<&str> = self.entries.values().flatten().map(|entry| &entry.module[..]).collect();
            let some = report.unmatched.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
            return error(format!("none of its {} modules is in the model: {some}", modules.len()));
        }
        Ok(())
    }

    /// Makes a patch of each change, except of those that equal another change of the same tensor.
    fn patches(&self, found: &[Match]) -> Result<Vec<(usize, String, Arc<LoraPatch>)>, WeightsError> {
        let mut patches = Vec::new();
        for (index, Match { network, key, entry, .. }) in found.iter().enumerate() {
            let others = found[..index].iter().rev().take_while(|other| (other.network, other.key) == (*network, *key));
            let mut is_duplicate = false;
            for other in others {
                is_duplicate |= other.entry.parts.is_same(&entry.parts, &self.source)?;
            }
            if !is_duplicate {
                let delta = entry.part.delta.clone();
                let patch = LoraPatch { source: self.source.clone(), scale: self.scale, delta };
                patches.push((*network, (*key).to_string(), Arc::new(patch)));
            }
        }
        Ok(patches)
    }
}

impl Patch for LoraPatch {
    fn rank(&self) -> (&Path, u64) {
        (&self.source.0.origin, self.scale.to_bits())
    }

    fn delta(&self, weight: &Tensor<2>, shape: &[usize]) -> Result<Tensor<2>, WeightsError> {
        self.delta.evaluate(weight, shape, self.scale, &self.source)
    }
}
