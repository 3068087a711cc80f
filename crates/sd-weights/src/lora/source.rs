use std::path::PathBuf;

use burn::tensor::{Device, FloatDType, Tensor};

use crate::tensor_view::matrix_shape;
use crate::{Weights, WeightsError};

/// The tensors of a LoRA file.
#[derive(Debug)]
pub(crate) struct Source(pub Weights);

impl Source {
    pub fn shape(&self, key: &str) -> &[usize] {
        &self.0.tensors[key].shape
    }

    /// Reads a tensor's values, which have to be finite.
    pub fn values(&self, key: &str) -> Result<Vec<f64>, WeightsError> {
        let values = self.0.read(key)?;
        match values.iter().find(|value| !value.is_finite()) {
            Some(found) => Err(self.error(format!("`{key}` holds a value that is {found}; the file is damaged"))),
            None => Ok(values.into_iter().map(f64::from).collect()),
        }
    }

    /// Reads the value of a tensor with one element, a float or an integer.
    pub fn scalar(&self, key: &str) -> Result<f64, WeightsError> {
        let tensor = &self.0.tensors[key];
        if tensor.elements() != 1 {
            return Err(self.error(format!("`{key}` is {:?}, expected one value", tensor.shape)));
        }
        let value = tensor.scalar(key)?;
        if !value.is_finite() {
            return Err(self.error(format!("`{key}` is {value}; the file is damaged")));
        }
        Ok(value)
    }

    /// Reads a tensor as a matrix of its first dimension and the product of the others.
    pub fn matrix(&self, key: &str, device: &Device) -> Result<Tensor<2>, WeightsError> {
        let shape = matrix_shape(self.shape(key));
        let data = self.0.tensors[key].data(key, FloatDType::F32, &shape)?;
        Ok(Tensor::from_data(data, device))
    }

    pub fn file(&self) -> PathBuf {
        self.0.origin.clone()
    }

    /// Creates the error of a file that cannot be merged into any model.
    pub fn error(&self, reason: String) -> WeightsError {
        WeightsError::Unmergeable { file: self.file(), reason }
    }
}
