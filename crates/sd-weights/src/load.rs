use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, FloatDType, Tensor};

use crate::fit::Fit;
use crate::lora::flat;
use crate::names::keys;
use crate::{Weights, WeightsError};

impl Weights {
    /// Fills every parameter of `module`, cast to a precision: one for all, or one for weights and one for the rest.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Mismatch`] unless the file's keys and the module's parameters are the same, shape by shape; and
    /// what reading can fail with.
    pub fn load<M: Module>(&self, module: M, precision: impl Into<Precision>) -> Result<M, WeightsError> {
        let precision = precision.into();
        let mut loader =
            Loader { weights: self, precision, place: Place::default(), fit: Fit::default(), failed: None };
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
}

impl From<FloatDType> for Precision {
    fn from(dtype: FloatDType) -> Self {
        Self { weights: dtype, rest: dtype }
    }
}

/// The parameters of a module, as the keys and shapes that a checkpoint has for them.
///
/// Nothing is initialised for it.
pub fn parameters<M: Module>(module: &M) -> Vec<(String, Vec<usize>)> {
    named_parameters(module).into_iter().map(|(mut names, shape)| (names.swap_remove(0), shape)).collect()
}

/// The same with all names that each may have, the present one first.
pub(crate) fn named_parameters<M: Module>(module: &M) -> Vec<(Vec<String>, Vec<usize>)> {
    let mut lister = Lister { place: Place::default(), found: Vec::new() };
    module.visit(&mut lister);
    lister.found
}

/// Where in a module a traversal is.
#[derive(Default)]
pub(crate) struct Place {
    path: Vec<String>,
    types: Vec<String>,
}

impl Place {
    pub fn enter(&mut self, name: &str, container: &str) {
        self.path.push(name.to_string());
        self.types.push(container.trim_start_matches("Struct:").to_string());
    }

    pub fn exit(&mut self) {
        self.path.pop();
        self.types.pop();
    }

    /// The type that holds the parameter that is being visited.
    fn module(&self) -> &str {
        self.types.last().map_or("", String::as_str)
    }

    pub fn keys(&self) -> Vec<String> {
        keys(&self.path.join("."), self.module())
    }

    /// Whether this is what a linear layer or a convolution multiplies with.
    fn is_weight(&self) -> bool {
        matches!(self.module(), "Linear" | "Conv2d") && self.path.last().is_some_and(|name| name == "weight")
    }

    /// Whether this is a matrix that a checkpoint keeps transposed: `[output, input]`.
    pub fn is_transposed(&self) -> bool {
        self.module() == "Linear" && self.is_weight()
    }

    /// The shape in the file of a parameter of `shape` here.
    fn file_shape(&self, mut shape: Vec<usize>) -> Vec<usize> {
        if self.is_transposed() {
            shape.reverse();
        }
        shape
    }
}

struct Loader<'a> {
    weights: &'a Weights,
    precision: Precision,
    place: Place,
    fit: Fit,
    failed: Option<WeightsError>,
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.place.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.place.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.failed.is_some() {
            return param;
        }
        let expected = self.place.file_shape(param.lazy_shape().to_vec());
        let key = self.fit.find(self.weights, &self.place.keys(), &expected);
        // Keys that do not fit are all reported at once, and then nothing more is worth reading.
        let Some(key) = key.filter(|_| self.fit.is_good()) else { return param };
        match self.tensor(&key, &expected, &param.lazy_device()) {
            Ok(tensor) => {
                let tensor = if self.place.is_transposed() { tensor.swap_dims(0, 1) } else { tensor };
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
        let dtype = if self.place.is_weight() { self.precision.weights } else { self.precision.rest };
        let Some(patches) = self.weights.patches.get(key) else {
            let data = self.weights.tensors[key].data(key, dtype, shape)?;
            return Ok(Tensor::from_data(data, (device, DType::from(dtype))));
        };
        let data = self.weights.tensors[key].data(key, FloatDType::F32, &flat(shape))?;
        let weight = Tensor::<2>::from_data(data, (device, DType::F32));
        let mut changed = weight.clone();
        for patch in patches {
            changed = changed + patch.of(&weight, &self.weights.tensors[key].shape)?;
        }
        Ok(changed.cast(dtype).reshape(<[usize; D]>::try_from(shape).expect("the parameter's own dimensions")))
    }

    fn finish(self) -> Result<(), WeightsError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.fit.finish(self.weights)
    }
}

pub(crate) fn name_of(dtype: FloatDType) -> &'static str {
    match dtype {
        FloatDType::F16 => "f16",
        FloatDType::BF16 => "bf16",
        _ => "f32",
    }
}

struct Lister {
    place: Place,
    found: Vec<(Vec<String>, Vec<usize>)>,
}

impl ModuleVisitor for Lister {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.place.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.place.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = self.place.file_shape(param.lazy_shape().to_vec());
        self.found.push((self.place.keys(), shape));
    }
}
