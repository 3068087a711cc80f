use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, FloatDType, Tensor};

use crate::key_match::KeyMatch;
use crate::parameters::ModulePath;
use crate::tensor_view::matrix_shape;
use crate::{Weights, WeightsError};

impl Weights {
    /// Fills every parameter of `module`, cast to a precision: one for all, or one for weights and one for the rest.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] unless the file's keys and the module's parameters are the same, shape by shape; and the
    /// errors of reading.
    pub fn load<M: Module>(&self, module: M, precision: impl Into<Precision>) -> Result<M, WeightsError> {
        self.fill(module, precision.into(), false)
    }

    /// As [`load`](Self::load), but reads only the parameters that a [LoRA](crate::Lora) changes; `module` keeps all others.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_changed<M: Module>(&self, module: M, precision: impl Into<Precision>) -> Result<M, WeightsError> {
        self.fill(module, precision.into(), true)
    }

    fn fill<M: Module>(&self, module: M, precision: Precision, only_changed: bool) -> Result<M, WeightsError> {
        let (path, keys) = (ModulePath::default(), KeyMatch::default());
        let mut loader = Loader { weights: self, precision, only_changed, path, keys, failed: None };
        let module = module.map(&mut loader);
        loader.finish()?;
        Ok(module)
    }
}

/// The precision of a network's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision {
    /// Of the weights of linear layers and convolutions, which are nearly all parameters.
    pub weights: FloatDType,
    /// Of the rest: biases, norms and embeddings.
    pub rest: FloatDType,
    /// Whether weights that a file has in quantized blocks stay in them, where the operators of `sd_ops` take them:
    /// `[blocks, bytes of a block]`, one row for each block. Otherwise they are widened to `weights`.
    pub keeps_blocks: bool,
}

impl From<FloatDType> for Precision {
    fn from(dtype: FloatDType) -> Self {
        Self { weights: dtype, rest: dtype, keeps_blocks: false }
    }
}

struct Loader<'a> {
    weights: &'a Weights,
    precision: Precision,
    /// Whether parameters without a patch stay as they are.
    only_changed: bool,
    path: ModulePath,
    keys: KeyMatch,
    failed: Option<WeightsError>,
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.failed.is_some() {
            return param;
        }
        let expected = self.path.file_shape(param.lazy_shape().to_vec());
        let key = self.keys.find(self.weights, &self.path.keys(), &expected);
        // All mismatches are reported at once; after the first one, reading values is pointless.
        let Some(key) = key.filter(|_| self.keys.is_good()) else { return param };
        if self.only_changed && !self.weights.patches.contains_key(&key) {
            return param;
        }
        match self.tensor(&key, &expected, &param.lazy_device()) {
            Ok(tensor) => {
                let turns = self.path.is_transposed() && !matches!(tensor.dtype(), DType::QFloat(_));
                let tensor = if turns { tensor.swap_dims(0, 1) } else { tensor };
                let id = param.id;
                param.transform_for_load(tensor, id)
            }
            Err(error) => {
                self.failed = Some(error);
                param
            }
        }
    }
}

impl Loader<'_> {
    fn tensor<const D: usize>(&self, key: &str, shape: &[usize], device: &Device) -> Result<Tensor<D>, WeightsError> {
        let dtype = if self.path.is_weight() { self.precision.weights } else { self.precision.rest };
        let Some(patches) = self.weights.patches.get(key) else {
            if let Some(tensor) = self.in_blocks(key, device)? {
                return Ok(tensor);
            }
            if let Some(tensor) = self.in_file(key, shape, device)? {
                return Ok(tensor);
            }
            let data = self.weights.tensors[key].data(key, dtype, shape)?;
            return Ok(Tensor::from_data(data, (device, DType::from(dtype))));
        };
        let data = self.weights.tensors[key].data(key, FloatDType::F32, &matrix_shape(shape))?;
        let weight = Tensor::<2>::from_data(data, (device, DType::F32));
        let mut changed = weight.clone();
        for patch in patches {
            changed = changed + patch.delta(&weight, &self.weights.tensors[key].shape)?;
        }
        Ok(changed.cast(dtype).reshape(<[usize; D]>::try_from(shape).expect("the parameter's own dimensions")))
    }

    /// Returns a layer's weight that stays in quantized blocks.
    fn in_blocks<const D: usize>(&self, key: &str, device: &Device) -> Result<Option<Tensor<D>>, WeightsError> {
        if !(self.path.is_weight() && self.precision.keeps_blocks) {
            return Ok(None);
        }
        let tensor = &self.weights.tensors[key];
        let takes_panels = self.weights.has_panels && self.path.is_transposed();
        let panels = if takes_panels { tensor.panels(key)? } else { None };
        let blocks = if panels.is_some() { panels } else { tensor.quantized(key, D)? };
        Ok(blocks.map(|blocks| Tensor::from_data(blocks, device)))
    }

    /// Returns a layer's weight that stays in its file.
    fn in_file<const D: usize>(
        &self,
        key: &str,
        shape: &[usize],
        device: &Device,
    ) -> Result<Option<Tensor<D>>, WeightsError> {
        let is_of_layer = self.path.is_weight() || self.path.is_table();
        match &self.weights.mapped {
            Some(mapped) if is_of_layer => {
                self.weights.tensors[key].in_file(key, self.precision.weights, shape, (mapped, device))
            }
            _ => Ok(None),
        }
    }

    fn finish(self) -> Result<(), WeightsError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.keys.finish(self.weights)
    }
}
