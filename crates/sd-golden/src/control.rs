use std::collections::BTreeMap;
use std::fs::{create_dir_all, read_to_string, write};
use std::path::{Path, PathBuf};

use half::f16;
use serde_json::{Map, Value};

use crate::model::{halves, write_halves};
use crate::{Kind, data, listed};

/// The networks of the set `control` that steer a tiny model, by name: ControlNets (`controlnet`, `controlnet-2`, `bgr`, `pooled`,
/// `union`), T2I-Adapters (`t2i…`), IP-Adapters (`ip…`), and their `image_encoder`.
///
/// # Panics
///
/// Panics if the set has none for this kind.
pub fn control_networks(kind: Kind) -> Vec<String> {
    described(kind).into_iter().map(|(name, _)| name).collect()
}

/// Writes such a network, with seeded weights in half precision, into `folder`, and returns the path that a user would open: the
/// folder `NAME` in the layout of diffusers, or of transformers for the image encoder; for IP-Adapters the file `NAME.safetensors`,
/// which has the names of the published ones, with its encoder's folder `image_encoder` beside it.
///
/// # Panics
///
/// Panics if there is no such network, or if the folder cannot be written.
pub fn write_control(kind: Kind, name: &str, folder: &Path) -> PathBuf {
    let network = described(kind).remove(name).expect("the set has this network");
    let lists = network["tensors"].as_array().expect("names of lists").iter().filter_map(Value::as_str);
    let shapes = lists.flat_map(|list| listed("control/shapes", list)).collect();
    let Some(config) = network.get("config") else {
        write_control(kind, "image_encoder", folder);
        let file = folder.join(format!("{name}.safetensors"));
        write_halves(weights(kind, name, shapes), &file);
        return file;
    };
    let folder = folder.join(name);
    create_dir_all(&folder).expect("the temporary folder can be written");
    write(folder.join("config.json"), config.to_string()).expect("the temporary folder can be written");
    let stem = if name == "image_encoder" { "model" } else { "diffusion_pytorch_model" };
    write_halves(weights(kind, name, shapes), &folder.join(format!("{stem}.safetensors")));
    folder
}

/// The networks of a kind in `networks.json`.
fn described(kind: Kind) -> Map<String, Value> {
    let text = read_to_string(data().join("control/networks.json")).expect("golden/ is complete");
    let mut all: Map<String, Value> = serde_json::from_str(&text).expect("it is JSON");
    match all.remove(kind.name()) {
        Some(Value::Object(networks)) => networks,
        _ => panic!("the set `control` has no networks for {}", kind.name()),
    }
}

/// Weights by the rule of `golden/tiny_control.py`.
fn weights(kind: Kind, name: &str, shapes: BTreeMap<String, Vec<usize>>) -> Vec<(String, Vec<usize>, Vec<f16>)> {
    let with_values = |(key, shape): (String, Vec<usize>)| {
        let by_inputs = |gain: f64| (gain / (shape[1..].iter().product::<usize>() as f64).sqrt()) as f32;
        let (mean, deviation) = match key.as_str() {
            key if shape.len() == 1 && key.ends_with("weight") => (1.0, 0.2),
            _ if shape.len() == 1 => (0.0, 0.1),
            key if key.contains("embeddings.") => (0.0, 0.3),
            key if key.contains("cond_embedding") => (0.0, by_inputs(1.8)),
            _ => (0.0, by_inputs(0.9)),
        };
        let values = halves(&format!("{}/{name}/{key}", kind.name()), &shape, mean, deviation);
        (key, shape, values)
    };
    shapes.into_iter().map(with_values).collect()
}
