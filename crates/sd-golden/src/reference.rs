use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use sd_device::{device_by_name, device_names};
use sd_weights::{parameters, read_tensor};

use crate::data;

/// Returns every backend of this build, with its name.
///
/// # Panics
///
/// Panics if a backend has no device on this machine.
pub fn devices() -> Vec<(&'static str, Device)> {
    let compiled = device_names().filter(|(_, compiled)| *compiled);
    compiled.map(|(name, _)| (name, device_by_name(name).expect("each backend has a device"))).collect()
}

/// Asserts that a network's output on a device is the tensor `key` of the file `expected`: their
/// [difference](relative_difference) is at most 1e-4.
///
/// # Panics
///
/// Panics if it is larger, if the shapes differ, or if the tensor cannot be read.
#[allow(clippy::print_stdout, reason = "--nocapture shows the errors")]
pub fn assert_close<const D: usize>(found: Tensor<D>, expected: &Path, key: &str, device: &str) {
    let shape = found.dims();
    let found = found.into_data().try_to_vec::<f32>().expect("it is in single precision");
    let error = relative_difference(&found, &shape, expected, key);
    println!("{device} {key}: {error:.1e}");
    assert!(error <= 1e-4, "{key} on {device}: relative error {error:.1e}");
}

/// The largest difference between values and the tensor `key` of the file `expected`, relative to the root mean square of the
/// expected values.
///
/// # Panics
///
/// Panics if the shapes differ, or if the tensor cannot be read.
pub fn relative_difference(found: &[f32], shape: &[usize], expected: &Path, key: &str) -> f32 {
    let (expected, wanted) = read_tensor(expected, key).expect("the reference wrote it");
    assert_eq!(shape, wanted, "{key}");
    let size = (expected.iter().map(|x| x * x).sum::<f32>() / expected.len() as f32).sqrt();
    found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / size
}

/// Asserts that a network's parameters have the names and shapes of `list` in `golden/keys`: none is missing, and none is
/// unused.
///
/// # Panics
///
/// Panics if they differ, or if there is no such list.
pub fn assert_fits<M: Module>(module: &M, list: &str) {
    let text = read_to_string(data().join("keys").join(format!("{list}.txt"))).expect("there is such a list");
    let shape = |shape: &str| shape.split('x').map(|n| n.parse().expect("a size")).collect::<Vec<usize>>();
    let lines = text.lines().map(|line| line.split_once(' ').expect("a name and a shape"));
    let mut expected: BTreeMap<&str, Vec<usize>> = lines.map(|(key, sizes)| (key, shape(sizes))).collect();
    for (key, found) in parameters(module) {
        let mut wanted =
            expected.remove(key.as_str()).unwrap_or_else(|| panic!("{list}: {key} is not in the checkpoint"));
        // A 1×1 convolution may be loaded into a matrix.
        if found.len() == 2 && wanted.ends_with(&[1, 1]) {
            wanted.truncate(2);
        }
        assert_eq!(found, wanted, "{list}: {key}");
    }
    assert!(expected.is_empty(), "{list}: unused keys {:?}", expected.keys().take(5).collect::<Vec<_>>());
}
