use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{FloatDType, Tensor, TensorData};
use safetensors::tensor::{TensorView, serialize};

use crate::cast::{dtype_name, tensor_data};
use crate::form::file_type;
use crate::parameters::ModulePath;
use crate::{WeightsError, write_atomically};

/// Writes a module's parameters in f32, f16 or bf16 as a safetensors file with a checkpoint's keys and shapes.
/// [`Weights::load`](crate::Weights::load) reads it.
///
/// # Errors
///
/// [`WeightsError::NotFinite`] for a weight that is out of `dtype`'s range, and [`WeightsError::Io`]; nothing is left
/// half-written.
pub fn save<M: Module>(module: &M, path: &Path, dtype: FloatDType) -> Result<(), WeightsError> {
    let mut saver =
        Saver { path, dtype, path_in_module: ModulePath::default(), tensors: BTreeMap::new(), failed: None };
    module.visit(&mut saver);
    if let Some(error) = saver.failed {
        return Err(error);
    }
    let views = saver.tensors.iter().map(|(key, data)| {
        let view = TensorView::new(file_type(dtype), data.shape().to_vec(), data.as_bytes());
        (key, view.expect("as many values as the shape says"))
    });
    let bytes = serialize(views, None).expect("weights fit a file");
    write_atomically(path, |file| file.write_all(&bytes))
        .map_err(|source| WeightsError::Io { file: path.to_path_buf(), source })
}

struct Saver<'a> {
    path: &'a Path,
    dtype: FloatDType,
    path_in_module: ModulePath,
    tensors: BTreeMap<String, TensorData>,
    failed: Option<WeightsError>,
}

impl ModuleVisitor for Saver<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path_in_module.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path_in_module.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = if self.path_in_module.is_transposed() { param.val().swap_dims(0, 1) } else { param.val() };
        let (key, shape) = (self.path_in_module.keys().swap_remove(0), tensor.dims());
        let values: Vec<f32> = tensor.into_data().iter().collect();
        match tensor_data(values, self.dtype, &shape) {
            Ok(data) => drop(self.tensors.insert(key, data)),
            Err(found) => {
                let (file, dtype) = (self.path.to_path_buf(), dtype_name(self.dtype));
                self.failed = Some(WeightsError::NotFinite { file, key, found, dtype });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::conv::{Conv2d, Conv2dConfig};
    use burn::nn::{GroupNorm, GroupNormConfig, Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;
    use crate::Weights;

    #[derive(Module, Debug)]
    struct Network {
        to_out: Linear,
        norm: GroupNorm,
        conv: Conv2d,
    }

    fn network(scale: f32) -> Network {
        let device = Device::flex();
        let network = Network {
            to_out: LinearConfig::new(2, 3).init(&device),
            norm: GroupNormConfig::new(1, 2).init(&device),
            conv: Conv2dConfig::new([2, 3], [3, 3]).init(&device),
        };
        let weight = network.to_out.weight.map(|weight| weight * scale);
        Network { to_out: Linear { weight, ..network.to_out }, ..network }
    }

    fn values(network: &Network) -> [TensorData; 3] {
        [network.to_out.weight.to_data(), network.norm.gamma.as_ref().unwrap().to_data(), network.conv.weight.to_data()]
    }

    #[test]
    fn what_is_saved_in_single_precision_loads_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let network_saved = network(1.0);
        save(&network_saved, &folder.path().join("weights.safetensors"), FloatDType::F32).unwrap();
        let weights = Weights::in_folder(folder.path(), "weights").unwrap();
        let loaded = weights.load(network(1.0), FloatDType::F32).unwrap();
        assert_eq!(values(&loaded), values(&network_saved));
    }

    #[test]
    fn what_is_saved_in_half_precision_saves_to_the_same_file_again() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| folder.path().join(format!("{name}.safetensors")));
        save(&network(1.0), &first, FloatDType::F16).unwrap();
        let loaded = Weights::in_file(&first).unwrap().load(network(1.0), FloatDType::F32).unwrap();
        save(&loaded, &second, FloatDType::F16).unwrap();
        assert_eq!(std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
    }

    #[test]
    fn weights_are_saved_under_the_checkpoints_keys_and_shapes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("weights.safetensors");
        save(&network(1.0), &file, FloatDType::BF16).unwrap();
        let weights = Weights::in_file(&file).unwrap();
        let found: Vec<_> = weights.tensors.iter().map(|(key, tensor)| (key.as_str(), &tensor.shape[..])).collect();
        let expected: [(&str, &[usize]); 6] = [
            ("conv.bias", &[3]),
            ("conv.weight", &[3, 2, 3, 3]),
            ("norm.bias", &[2]),
            ("norm.weight", &[2]),
            ("to_out.bias", &[3]),
            ("to_out.weight", &[3, 2]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn weights_too_large_for_the_precision_are_refused_and_leave_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("weights.safetensors");
        let error = save(&network(1e6), &file, FloatDType::F16).unwrap_err().to_string();
        assert!(error.contains("`to_out.weight` holds a weight that is"), "{error}");
        assert!(!file.exists());
    }
}
