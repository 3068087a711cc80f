//! Control networks in files: their names, and weights that are changes of a U-Net's.

mod changes;
mod layouts;
mod refusals;

use std::path::PathBuf;

use sd_golden::{Tensors, write_tensors};
use sd_weights::control::ControlWeights;
use sd_weights::{Weights, WeightsError};
use tempfile::TempDir;

/// Writes a file of tensors. The folder has to live as long as the file is read.
fn file(tensors: &Tensors) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.safetensors");
    write_tensors(tensors, &path);
    (folder, path)
}

fn open(tensors: &Tensors) -> (TempDir, Weights) {
    let (folder, path) = file(tensors);
    (folder, Weights::in_file(&path).unwrap())
}

fn recognise(tensors: &Tensors) -> (TempDir, Result<ControlWeights, WeightsError>) {
    let (folder, weights) = open(tensors);
    (folder, ControlWeights::recognise(weights))
}

/// Makes tensors whose values differ from one to the next; sums of two such values are exact in single precision.
fn tensors(shapes: &[(&str, &[usize])], start: i32) -> Tensors {
    let tensor = |(n, (key, shape)): (usize, &(&str, &[usize]))| {
        let value = |i: usize| ((start + 37 * n as i32 + 11 * i as i32) % 101 - 50) as f32 / 64.0;
        (key.to_string(), (shape.to_vec(), (0..shape.iter().product()).map(value).collect()))
    };
    shapes.iter().enumerate().map(tensor).collect()
}
