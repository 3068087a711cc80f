//! The whole system against the reference, on tiny models.

mod batch;
mod components;
mod control;
mod convert;
mod editing;
mod edm;
mod exact_control;
mod exact_editing;
mod exact_network;
mod few_steps;
mod five_steps;
mod gguf;
mod guidance;
mod images;
mod inversion;
mod learned_variance;
mod library;
mod lora;
mod low_memory;
mod overrides;
mod plan;
mod prompts;
mod quantized;
mod reuse;
mod self_conditioning;
mod single_file;
mod single_names;
mod small;
mod small_unets;
mod texts;
mod textual_inversion;
mod vae;

use std::path::PathBuf;

use sd_golden::{Kind, SingleTensor, TinyModel, save_single};
use sd_pipeline::{DType, Device, Pipeline};
use tempfile::TempDir;

/// A tiny model on the processor.
fn pipeline(kind: Kind) -> Pipeline {
    Pipeline::open(TinyModel::new(kind).path(), &Device::flex(), DType::F32).unwrap()
}

/// A single file of these tensors, in its own folder.
fn single(tensors: &[SingleTensor]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    save_single(tensors, &file);
    (folder, file)
}

/// The tensors under other names; tensors without one are left out.
fn renamed(tensors: &[SingleTensor], name: impl Fn(&str) -> Option<String>) -> Vec<SingleTensor> {
    let tensor = |tensor: &SingleTensor| Some(SingleTensor { key: name(&tensor.key)?, ..tensor.clone() });
    tensors.iter().filter_map(tensor).collect()
}
