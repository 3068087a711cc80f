//! Networks and tiles, against the reference and against the whole image.

mod files;
mod golden;
mod tiles;

use std::path::PathBuf;

use burn::tensor::Device;
use sd_golden::write_upscaler;
use sd_upscale::{DType, Upscaler};
use tempfile::TempDir;

/// A seeded network of the set `upscalers` as a file.
fn network(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.safetensors");
    write_upscaler(name, &file);
    (folder, file)
}

/// A seeded network on a device.
fn upscaler(name: &str, device: &Device) -> Upscaler {
    let (_folder, file) = network(name);
    Upscaler::open(&file).unwrap().load(device, DType::F32).unwrap()
}
