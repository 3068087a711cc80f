use std::collections::{BTreeMap, BTreeSet};

use burn::module::Module;

use crate::names::is_ignored;
use crate::parameters::named_parameters;
use crate::{Weights, WeightsError};

impl Weights {
    /// Selects the tensors of `module`'s parameters, with their present names and shapes in the diffusers layout. Reads no
    /// values.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] unless the file's keys and the module's parameters are the same, shape by shape.
    pub fn fitted<M: Module>(&self, module: &M) -> Result<Self, WeightsError> {
        let mut matched = KeyMatch::default();
        let mut tensors = BTreeMap::new();
        for (mut names, shape) in named_parameters(module) {
            if let Some(key) = matched.find(self, &names, &shape) {
                tensors.insert(names.swap_remove(0), self.tensors[&key].clone().ending_in_ones(shape.len()));
            }
        }
        matched.finish(self)?;
        Ok(Self { tensors, ..self.clone() })
    }
}

/// Compares the keys of weights with the parameters of a module.
#[derive(Default)]
pub(crate) struct KeyMatch {
    used: BTreeSet<String>,
    missing: Vec<String>,
    misshapen: Vec<String>,
}

impl KeyMatch {
    /// Finds the key of a parameter that may have any of `names`; `None` if there is no such key, or one of another shape.
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

    /// Whether every parameter was found so far.
    pub fn is_good(&self) -> bool {
        self.missing.is_empty() && self.misshapen.is_empty()
    }

    /// Reports all mismatches, including the keys that no parameter used.
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

/// Whether a tensor of the file has the expected shape, or, for a matrix, that of a 1×1 convolution, which is the same map.
fn is_shape(found: &[usize], expected: &[usize]) -> bool {
    found == expected || (expected.len() == 2 && matches!(found, [o, i, 1, 1] if [*o, *i] == expected))
}

fn count(keys: usize) -> String {
    if keys == 1 { "1 key".into() } else { format!("{keys} keys") }
}

/// Lists the first few keys.
fn some(keys: &[String]) -> String {
    let shown: Vec<&str> = keys.iter().take(3).map(String::as_str).collect();
    let more = if keys.len() > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
