use std::path::PathBuf;

use burn::tensor::{Device, FloatDType, Tensor};

use super::factor::flat;
use crate::{Weights, WeightsError};

/// The tensors of a LoRA file.
#[derive(Debug)]
pub(crate) struct Source(pub Weights);

impl Source {
    pub fn shape(&self, key: &str) -> &[usize] {
        &self.0.tensors[key].shape
    }

    /// A tensor's values, all of them finite.
    pub fn values(&self, key: &str) -> Result<Vec<f64>, WeightsError> {
        let values = self.0.read(key)?;
        match values.iter().find(|value| !value.is_finite()) {
            Some(found) => Err(self.error(format!("`{key}` holds a value that is {found}; the file is damaged"))),
            None => Ok(values.into_iter().map(f64::from).collect()),
        }
    }

    /// The value of a tensor that has one, whole numbers included.
    pub fn scalar(&self, key: &str) -> Result<f64, WeightsError> {
        let place = &self.0.tensors[key];
        if place.elements() != 1 {
            return Err(self.error(format!("`{key}` is {:?}, expected one value", place.shape)));
        }
        let value = place.scalar(key)?;
        if !value.is_finite() {
            return Err(self.error(format!("`{key}` is {value}; the file is damaged")));
        }
        Ok(value)
    }

    /// A tensor as a matrix: its first dimension, and the others.
    pub fn matrix(&self, key: &str, device: &Device) -> Result<Tensor<2>, WeightsError> {
        let shape = flat(self.shape(key));
        let data = self.0.tensors[key].data(key, FloatDType::F32, &shape)?;
        Ok(Tensor::from_data(data, device))
    }

    pub fn file(&self) -> PathBuf {
        self.0.origin.clone()
    }

    /// Why this file cannot be merged into any model.
    pub fn error(&self, reason: String) -> WeightsError {
        WeightsError::Unmergeable { file: self.file(), reason }
    }
}
