use std::collections::{BTreeMap, BTreeSet};

use burn::module::Module;

use crate::load::named_parameters;
use crate::names::is_ignored;
use crate::{Weights, WeightsError};

impl Weights {
    /// These weights by the present names and the shapes that `module`'s parameters have in the diffusers layout, and
    /// nothing else; no numbers are read.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] unless the file's keys and the module's parameters are the same, shape by shape.
    pub fn fitted<M: Module>(&self, module: &M) -> Result<Self, WeightsError> {
        let mut fit = Fit::default();
        let mut tensors = BTreeMap::new();
        for (mut names, shape) in named_parameters(module) {
            if let Some(key) = fit.find(self, &names, &shape) {
                tensors.insert(names.swap_remove(0), self.tensors[&key].clone().ending_in_ones(shape.len()));
            }
        }
        fit.finish(self)?;
        Ok(Self { tensors, ..self.clone() })
    }
}

/// How far some weights are those of a module.
#[derive(Default)]
pub(crate) struct Fit {
    used: BTreeSet<String>,
    missing: Vec<String>,
    misshapen: Vec<String>,
}

impl Fit {
    /// The key of a parameter that goes by any of `names`, if it is there and of its shape.
    pub fn find(&mut self, weights: &Weights, names: &[String], expected: &[usize]) -> Option<String> {
        let Some(key) = names.iter().find(|name| weights.tensors.contains_key(*name)) else {
            self.missing.push(weights.name_in_file(&names[0]));
            return None;
        };
        self.used.insert(key.clone());
        let found = &weights.tensors[key].shape;
        if !is_shape(found, expected) {
            let name = weights.name_in_file(key);
            self.misshapen.push(format!("`{name}` {found:?} instead of {expected:?}"));
            return None;
        }
        Some(key.clone())
    }

    /// Whether all was found so far.
    pub fn is_good(&self) -> bool {
        self.missing.is_empty() && self.misshapen.is_empty()
    }

    /// Says all that does not fit, the keys that nothing was found under among it.
    pub fn finish(self, weights: &Weights) -> Result<(), WeightsError> {
        let unused = weights.tensors.keys().filter(|key| !self.used.contains(*key) && !is_ignored(key));
        let unused: Vec<String> = unused.map(|key| weights.name_in_file(key)).collect();
        let problems: Vec<String> =
            [("missing", self.missing), ("unknown", unused), ("of another shape", self.misshapen)]
                .into_iter()
                .filter(|(_, keys)| !keys.is_empty())
                .map(|(what, keys)| format!("{} {what} ({})", count(keys.len()), some(&keys)))
                .collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(WeightsError::Mismatch { file: weights.origin.clone(), problems: problems.join(", ") })
    }
}

/// Whether a tensor of the file has the numbers of the expected shape: the same one, or, for a matrix, that of a 1×1
/// convolution, which is the same map.
fn is_shape(found: &[usize], expected: &[usize]) -> bool {
    found == expected || (expected.len() == 2 && matches!(found, [o, i, 1, 1] if [*o, *i] == expected))
}

fn count(keys: usize) -> String {
    if keys == 1 { "1 key".into() } else { format!("{keys} keys") }
}

/// The first few of many keys.
fn some(keys: &[String]) -> String {
    let shown: Vec<&str> = keys.iter().take(3).map(String::as_str).collect();
    let more = if keys.len() > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
