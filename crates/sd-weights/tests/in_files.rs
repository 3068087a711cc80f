//! Weights that stay in their files.

use std::fs;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};
use sd_ops::{MappedWeights, project};
use sd_weights::{Places, Weights, WeightsError};
use tempfile::TempDir;

const WIDTH: usize = 64;

/// A file with the weight and the bias of a layer, written by `cast` in a type of two or four bytes.
fn layer<const N: usize>(dtype: Dtype, cast: impl Fn(f32) -> [u8; N]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layer.safetensors");
    let bytes =
        |count: usize| -> Vec<u8> { (0..count).flat_map(|i| cast((i * 37 % 101) as f32 / 64.0 - 0.5)).collect() };
    let (weight, bias) = (bytes(WIDTH * WIDTH), bytes(WIDTH));
    let view = |shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
    let tensors = [("weight", view(&[WIDTH, WIDTH], &weight)), ("bias", view(&[WIDTH], &bias))];
    serialize_to_file(tensors, None, &file).unwrap();
    (folder, file)
}

fn single() -> (TempDir, PathBuf) {
    layer(Dtype::F32, f32::to_le_bytes)
}

fn half() -> (TempDir, PathBuf) {
    layer(Dtype::F16, |value| half::f16::from_f32(value).to_le_bytes())
}

fn brain() -> (TempDir, PathBuf) {
    layer(Dtype::BF16, |value| half::bf16::from_f32(value).to_le_bytes())
}

fn load(file: &Path, dtype: FloatDType) -> Result<Linear, WeightsError> {
    let weights = Weights::in_file(file)?.in_files(&MappedWeights::new(1 << 20));
    weights.load(LinearConfig::new(WIDTH, WIDTH).init(&Device::flex()), dtype)
}

fn output(layer: &Linear) -> TensorData {
    let x = (0..3 * WIDTH).map(|i| i as f32 / 100.0).collect::<Vec<_>>();
    let x = Tensor::<2>::from_data(TensorData::new(x, [3, WIDTH]), &Device::flex());
    project(layer, x).into_data()
}

/// The type of a layer's weight, and of its bias.
fn dtypes(layer: &Linear) -> [DType; 2] {
    struct Found(Vec<DType>);
    impl ModuleVisitor for Found {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().dtype());
        }
    }
    let mut found = Found(Vec::new());
    layer.visit(&mut found);
    found.0.try_into().unwrap()
}

#[test]
fn f32_and_f16_stay_as_they_are_and_give_the_same_values() {
    for (file, dtype) in [(single(), DType::F32), (half(), DType::F16)] {
        let file = file.1.clone();
        let in_memory = Weights::in_file(&file).unwrap();
        let in_memory = in_memory.load(LinearConfig::new(WIDTH, WIDTH).init(&Device::flex()), FloatDType::F32).unwrap();
        let in_file = load(&file, FloatDType::F32).unwrap();
        assert_eq!(dtypes(&in_file), [dtype, DType::F32]);
        output(&in_file).assert_eq(&output(&in_memory), true);
    }
}

#[test]
fn bf16_stays_in_the_file_only_if_it_is_the_precision_of_the_weights() {
    let (_folder, file) = brain();
    assert_eq!(dtypes(&load(&file, FloatDType::BF16).unwrap())[0], DType::BF16);
    assert_eq!(dtypes(&load(&file, FloatDType::F32).unwrap())[0], DType::F32);
    let (all, half) = (WIDTH * WIDTH + WIDTH, WIDTH * WIDTH * 2);
    let places = |dtype: FloatDType| Weights::in_file(&file).unwrap().places(dtype);
    assert_eq!(places(FloatDType::F32), Places { in_memory: 4 * all, ..Places::default() });
    assert_eq!(places(FloatDType::BF16), Places { in_memory: 2 * WIDTH, in_files: half, largest_in_file: half });
}

#[test]
fn a_weight_that_is_not_aligned_in_its_file_is_read() {
    let (_folder, file) = single();
    // A space at the end of the header moves all values by a byte.
    let bytes = fs::read(&file).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let (header, values) = bytes[8..].split_at(length);
    let shifted = [&(length as u64 + 1).to_le_bytes()[..], header, b" ", values].concat();
    let aligned = output(&load(&file, FloatDType::F32).unwrap());
    fs::write(&file, shifted).unwrap();
    assert_eq!(Weights::in_file(&file).unwrap().places(FloatDType::F32).in_files, 0);
    output(&load(&file, FloatDType::F32).unwrap()).assert_eq(&aligned, true);
}

#[test]
fn a_weight_that_is_not_finite_is_refused() {
    let (_folder, file) = half();
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 2;
    bytes[last..].copy_from_slice(&half::f16::NAN.to_le_bytes());
    fs::write(&file, bytes).unwrap();
    let error = load(&file, FloatDType::F32).unwrap_err();
    assert!(matches!(&error, WeightsError::NotFinite { key, .. } if key == "weight"), "{error}");
}

#[test]
fn a_file_that_became_shorter_or_is_gone_is_an_error() {
    let (folder, file) = single();
    let weights = Weights::in_file(&file).unwrap().in_files(&MappedWeights::new(1 << 20));
    let load = || weights.load(LinearConfig::new(WIDTH, WIDTH).init(&Device::flex()), FloatDType::F32);
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(5000).unwrap();
    let error = load().unwrap_err();
    assert!(matches!(error, WeightsError::Io { .. }), "{error}");
    drop(folder);
    assert!(load().unwrap_err().to_string().contains("layer.safetensors"));
}
