use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::{Device, FloatDType, Tensor};

use super::declared::Declared;
use super::factor::flat;
use super::parts::Parts;
use super::target::Target;
use super::{Change, Component};
use crate::single_file::{UnetPlan, unet};
use crate::{Weights, WeightsError};

/// A LoRA file: low-rank changes of some of a model's weights, and how strongly they are wanted.
///
/// Read are the names of kohya's programs, of PEFT and diffusers, and diffusers' first ones; LoRA of linear layers and of
/// convolutions, LoHa, LoKr, and DoRA.
#[derive(Debug)]
pub struct Lora {
    source: Arc<Source>,
    scale: f64,
    changes: BTreeMap<Target, (String, Change)>,
    /// Keys that are not of this kind.
    unknown: Vec<String>,
}

/// What became of the modules of a LoRA file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoraReport {
    /// How many change the model.
    pub matched: usize,
    /// Those that the model has nothing for.
    pub unmatched: Vec<String>,
}

/// A change of one tensor, which its network's weights keep until they are loaded.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    source: Arc<Source>,
    scale: f64,
    change: Change,
}

/// The tensors of a LoRA file.
#[derive(Debug)]
pub(crate) struct Source(Weights);

impl Lora {
    /// Opens a file, to be merged `scale` times; 1 is what it was trained for, and negative ones do the opposite.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] where it cannot be read, or holds no LoRA.
    pub fn open(path: &Path, scale: f64) -> Result<Self, WeightsError> {
        let source = Source(Weights::in_file(path)?);
        let mut modules: BTreeMap<&str, Parts> = BTreeMap::new();
        let mut unknown = Vec::new();
        for key in source.0.tensors.keys() {
            match Parts::split(key) {
                Some((module, part)) => modules.entry(module).or_default().add(part, key),
                None => unknown.push(key.clone()),
            }
        }
        let declared = Declared::of(&source.0);
        let mut changes = BTreeMap::new();
        for (module, parts) in modules {
            let keys: Vec<String> = parts.keys().cloned().collect();
            match parts.change(&source)? {
                Some(mut change) => {
                    let target = Target::of_module(module);
                    let rank = change.rank(&source).unwrap_or(1);
                    change.alpha = change.alpha.or_else(|| declared.alpha(target.0, module, rank));
                    changes.insert(target, (module.to_string(), change));
                }
                None => unknown.extend(keys),
            }
        }
        if changes.is_empty() {
            let some: Vec<&str> = unknown.iter().take(3).map(String::as_str).collect();
            let reason = format!("it has no pairs of lora_down and lora_up or the like, but {}", some.join(", "));
            return Err(WeightsError::Format { file: path.to_path_buf(), format: "LoRA", reason });
        }
        Ok(Self { source: Arc::new(source), scale, changes, unknown })
    }

    /// Has the weights of a model's networks changed when they are loaded.
    ///
    /// Several files may be merged, in any order: each adds to the weights what it would add alone.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Lora`] where the networks have nothing that the file changes, or have it in another shape; then
    /// nothing is changed.
    pub fn merge(&self, networks: &mut [(Component, &mut Weights)]) -> Result<LoraReport, WeightsError> {
        let mut found: Vec<(usize, String, &Change)> = Vec::new();
        let mut matched = Vec::new();
        let mut misshapen = Vec::new();
        for (index, (component, weights)) in networks.iter().enumerate() {
            let original = (*component == Component::Unet).then(|| unet(&UnetPlan::of_diffusers(weights.keys())));
            for (key, place) in &weights.tensors {
                // kohya's files for XL have the names of the original program.
                let other = original.as_ref().and_then(|table| table.to_single(key)).map(|(key, _)| key);
                let mut targets = [Some(key), other.as_ref()].into_iter().flatten();
                let change = targets.find_map(|key| self.changes.get(&Target::of_key(*component, key)?));
                let Some((module, change)) = change else { continue };
                matched.push(module);
                let shape = change.shape(&self.source);
                let is_long = change.magnitude.as_ref().is_none_or(|m| m.fits(&place.shape, &self.source));
                if shape == Some(flat(&place.shape)) && is_long {
                    found.push((index, key.clone(), change));
                } else {
                    misshapen.push(format!("`{module}` {:?} instead of {:?}", shape.unwrap_or([0, 0]), place.shape));
                }
            }
        }
        let error = |reason| WeightsError::Lora { file: self.file(), reason };
        if !misshapen.is_empty() {
            let some: Vec<&str> = misshapen.iter().take(3).map(String::as_str).collect();
            let (count, some) = (misshapen.len(), some.join(", "));
            return Err(error(format!("{count} of its modules are of another shape than the model's: {some}")));
        }
        let all = self.changes.values().map(|(module, _)| module);
        let unmatched = all.filter(|module| !matched.contains(module)).chain(&self.unknown).cloned().collect();
        if found.is_empty() {
            let some: Vec<&str> = self.changes.values().take(3).map(|(module, _)| module.as_str()).collect();
            return Err(error(format!(
                "none of its {} modules is in the model: {}",
                self.changes.len(),
                some.join(", ")
            )));
        }
        let matched = found.len();
        for (index, key, change) in found {
            let patch = Patch { source: self.source.clone(), scale: self.scale, change: change.clone() };
            networks[index].1.patch(key, patch);
        }
        Ok(LoraReport { matched, unmatched })
    }

    fn file(&self) -> PathBuf {
        self.source.0.origin.clone()
    }
}

impl Patch {
    /// What decides the order of the sum, so that the order of merging does not.
    pub fn rank(&self) -> (&Path, u64) {
        (&self.source.0.origin, self.scale.to_bits())
    }

    /// What to add to `weight`.
    ///
    /// # Shapes
    ///
    /// - weight: `[output, input · kernel]`
    /// - output: the same
    pub fn of(&self, weight: &Tensor<2>) -> Result<Tensor<2>, WeightsError> {
        self.change.of(weight, self.scale, &self.source)
    }
}

impl Source {
    pub fn shape(&self, key: &str) -> &[usize] {
        &self.0.tensors[key].shape
    }

    pub fn numbers(&self, key: &str) -> Result<Vec<f32>, WeightsError> {
        self.0.read(key)
    }

    /// A tensor as a matrix: its first dimension, and the others.
    pub fn matrix(&self, key: &str, device: &Device) -> Result<Tensor<2>, WeightsError> {
        let shape = flat(self.shape(key));
        let data = self.0.tensors[key].data(key, FloatDType::F32, &shape)?;
        Ok(Tensor::from_data(data, device))
    }
}
