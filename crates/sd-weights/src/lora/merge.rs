use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Tensor;

use super::change::Change;
use super::factor::flat;
use super::file::{Entry, Lora};
use super::target::{Slot, Target};
use super::{Component, Source};
use crate::place::Place;
use crate::single_file::{UnetPlan, unet};
use crate::{Weights, WeightsError};

/// What became of the modules of a LoRA file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoraReport {
    /// How many change the model.
    pub matched: usize,
    /// Those that the model has nothing for, and tensors of the others that it has nothing for.
    pub unmatched: Vec<String>,
    /// The words that the file brings for prompts, see [`Lora::words`].
    pub words: Vec<String>,
}

/// A change of one tensor, which its network's weights keep until they are loaded.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    source: Arc<Source>,
    scale: f64,
    change: Change,
}

/// A change, and the tensor that it is of: which network, and its key there.
struct Match<'a> {
    network: usize,
    key: &'a str,
    place: &'a Place,
    entry: &'a Entry,
}

impl Lora {
    /// Has the weights of a model's networks changed when they are loaded.
    ///
    /// Several files may be merged, in any order: each adds to the weights what it would add alone. So do several modules
    /// of a file that are for the same weights, unless their tensors are the same: then it is one module told twice.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Lora`] where the networks have nothing that the file changes, or have it in another shape; then
    /// nothing is changed.
    pub fn merge(&self, networks: &mut [(Component, &mut Weights)]) -> Result<LoraReport, WeightsError> {
        let unnamed = self.unnamed(networks);
        let mut found = Vec::new();
        for (network, (component, weights)) in networks.iter().enumerate() {
            // kohya's files for XL have the names of the original program.
            let original = (*component == Component::Unet).then(|| unet(&UnetPlan::of_diffusers(weights.keys())));
            for (key, place) in &weights.tensors {
                let other = original.as_ref().and_then(|table| table.to_single(key)).map(|(key, _)| key);
                let names = [Some(&key[..]), other.as_deref()].into_iter().flatten();
                let targets: BTreeSet<Target> = names.filter_map(|name| Target::of_key(*component, name)).collect();
                let targets = targets.into_iter().flat_map(|target| {
                    let unnamed = (unnamed == Some(*component)).then(|| target.clone().unnamed());
                    unnamed.into_iter().chain([target])
                });
                let entries = targets.filter_map(|target| self.entries.get(&target)).flatten();
                found.extend(entries.map(|entry| Match { network, key, place, entry }));
            }
        }
        let report = self.report(&found);
        self.check(&found, &report)?;
        for (network, key, patch) in self.patches(&found)? {
            networks[network].1.patch(key, patch);
        }
        Ok(report)
    }

    /// The text encoder that modules are for which do not say it: the first that most of them fit.
    fn unnamed(&self, networks: &[(Component, &mut Weights)]) -> Option<Component> {
        let count = |component: Component, weights: &Weights| {
            let is_fitting = |(key, place): &(&String, &Place)| {
                let target = Target::of_key(component, key).map(Target::unnamed);
                let mut entries = target.and_then(|target| self.entries.get(&target)).into_iter().flatten();
                entries.any(|entry| self.shape(entry, place) == Some(flat(&place.shape)))
            };
            weights.tensors.iter().filter(is_fitting).count()
        };
        // Of equal ones the last would be taken.
        let texts = networks.iter().filter(|(component, _)| *component != Component::Unet).rev();
        texts.max_by_key(|(component, weights)| count(*component, weights)).map(|(component, _)| *component)
    }

    fn shape(&self, entry: &Entry, place: &Place) -> Option<[usize; 2]> {
        entry.part.change.shape(&place.shape, &self.source)
    }

    fn report(&self, found: &[Match]) -> LoraReport {
        let matched: BTreeSet<&str> = found.iter().map(|found| &found.entry.module[..]).collect();
        let is_unmatched =
            |entry: &&Entry| !entry.part.is_optional && !found.iter().any(|found| std::ptr::eq(found.entry, *entry));
        let unmatched = self.entries.values().flatten().filter(is_unmatched);
        let unmatched: BTreeSet<&String> = unmatched
            .map(|entry| match (&entry.part.change, entry.part.slot) {
                (Change::Difference(key, _) | Change::Replacement(key), Slot::Bias)
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
            .filter_map(|Match { place, entry, .. }| {
                let shape = self.shape(entry, place);
                let message =
                    || format!("`{}` {:?} instead of {:?}", entry.module, shape.unwrap_or([0, 0]), place.shape);
                (shape != Some(flat(&place.shape))).then(message)
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

    /// A patch for each change, but for those that are the same as another one of the same tensor.
    fn patches(&self, found: &[Match]) -> Result<Vec<(usize, String, Patch)>, WeightsError> {
        let mut patches = Vec::new();
        for (index, Match { network, key, entry, .. }) in found.iter().enumerate() {
            let others = found[..index].iter().rev().take_while(|other| (other.network, other.key) == (*network, *key));
            let mut is_told = false;
            for other in others {
                is_told |= other.entry.parts.is_same(&entry.parts, &self.source)?;
            }
            if !is_told {
                let change = entry.part.change.clone();
                let patch = Patch { source: self.source.clone(), scale: self.scale, change };
                patches.push((*network, (*key).to_string(), patch));
            }
        }
        Ok(patches)
    }
}

impl Patch {
    /// What decides the order of the sum, so that the order of merging does not.
    pub fn rank(&self) -> (&Path, u64) {
        (&self.source.0.origin, self.scale.to_bits())
    }

    /// What to add to `weight`, which has `shape` in the model.
    ///
    /// # Shapes
    ///
    /// - weight: `[output, input · kernel]`
    /// - output: the same
    pub fn of(&self, weight: &Tensor<2>, shape: &[usize]) -> Result<Tensor<2>, WeightsError> {
        self.change.of(weight, shape, self.scale, &self.source)
    }
}
