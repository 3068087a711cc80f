//! The whole system against the reference, on tiny models.

mod batch;
mod convert;
mod five_steps;
mod fuzz;
mod images;
mod keys;
mod library;
mod lora;
mod networks;
mod operators;
mod overrides;
mod plan;
mod quantized;
mod single_file;
mod single_names;
mod small;
mod textual_inversion;
mod vae;
mod weights;

use std::path::PathBuf;

use sd_golden::{Kind, SingleTensor, TinyModel, save_single};
use sd_pipeline::{DType, Device, Pipeline, device_by_name, device_names};
use tempfile::TempDir;

/// Every backend of this build, by its name.
fn devices() -> Vec<(&'static str, Device)> {
    let compiled = device_names().filter(|(_, compiled)| *compiled);
    compiled.map(|(name, _)| (name, device_by_name(name).unwrap())).collect()
}

/// A tiny model on the processor.
fn pipeline(kind: Kind) -> Pipeline {
    Pipeline::from_folder(TinyModel::new(kind).path(), &Device::flex(), DType::F32).unwrap()
}

/// A single file of these tensors, in a folder of its own.
fn single(tensors: &[SingleTensor]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    save_single(tensors, &file);
    (folder, file)
}

/// The tensors by other names; those without one are left out.
fn renamed(tensors: &[SingleTensor], name: impl Fn(&str) -> Option<String>) -> Vec<SingleTensor> {
    let tensor = |tensor: &SingleTensor| Some(SingleTensor { key: name(&tensor.key)?, ..tensor.clone() });
    tensors.iter().filter_map(tensor).collect()
}
