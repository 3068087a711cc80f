//! Control networks and IP-Adapters as files: layouts, and whether they fit a model.

mod fits;
mod image_adapters;
mod layouts;
mod published;

use std::path::{Path, PathBuf};

use burn::tensor::{Device, TensorData};
use sd_golden::{Kind, Tensors, TinyModel, noise, write_weights};
use sd_model::{Components, Control, ControlFile, DType, Model};
use sd_unet::{AddedConditions, AdditionConfig, Conditions, ControlNetConfig, Hint};
use sd_weights::Weights;
use serde_json::Value;
use tempfile::TempDir;

/// A ControlNet for a tiny model, whose autoencoder may have fewer levels than usual.
fn network(kind: Kind) -> ControlNetConfig {
    let config = kind.control();
    let widths = config.hint_widths[..kind.vae().block_out_channels.len()].to_vec();
    config.with_hint_widths(widths)
}

/// Writes diffusers' folder `controlnet` of a ControlNet for a tiny model.
fn write_folder(kind: Kind, folder: &Path, changes: &[(&str, Value)]) -> PathBuf {
    let path = folder.join("controlnet");
    std::fs::create_dir_all(&path).unwrap();
    let unet = std::fs::read(TinyModel::new(kind).path().join("unet/config.json")).unwrap();
    let mut config: serde_json::Map<String, Value> = serde_json::from_slice(&unet).unwrap();
    for key in ["up_block_types", "out_channels", "sample_size", "attention_type", "conv_in_kernel", "conv_out_kernel"]
    {
        config.remove(key);
    }
    config.insert("_class_name".into(), "ControlNetModel".into());
    config.insert("conditioning_embedding_out_channels".into(), network(kind).hint_widths.into());
    config.extend(changes.iter().map(|(key, value)| (key.to_string(), value.clone())));
    std::fs::write(path.join("config.json"), Value::Object(config).to_string()).unwrap();
    let weights = path.join("diffusion_pytorch_model.safetensors");
    write_weights(kind.name(), "controlnet", &network(kind).init(&Device::flex()), &weights);
    path
}

fn model(kind: Kind) -> (TinyModel, Model) {
    let folder = TinyModel::new(kind);
    let model = Model::open(folder.path()).unwrap();
    (folder, model)
}

fn load(model: &Model) -> Components {
    model.components(&Device::flex(), DType::F32).unwrap()
}

/// What a control network gives a tiny model, bit for bit.
fn outputs(kind: Kind, control: &Control) -> Vec<TensorData> {
    let device = Device::flex();
    let side = 4 * network(kind).factor();
    let hint = noise("hint", [1, 3, side, side], &device);
    let net = match control {
        Control::Adapter(adapter) => return adapter.forward(hint).into_iter().map(|map| map.into_data()).collect(),
        Control::Net(net) => net,
    };
    let conditions = Conditions::new(noise("context", [1, 3, kind.unet().cross_attention_dim], &device));
    let added = |addition: AdditionConfig| AddedConditions {
        text_embeds: noise("text", [1, addition.input_dim - 6 * addition.time_embed_dim], &device),
        time_ids: vec![vec![32.0, 32.0, 0.0, 0.0, 32.0, 32.0]],
    };
    let conditions = match kind.unet().addition {
        Some(addition) => conditions.with_added(added(addition)),
        None => conditions,
    };
    let x = noise("x", [1, 4, 4, 4], &device);
    let residuals = net.forward(x, &[500.0], &conditions, &[Hint::new(net.embed(hint))]);
    residuals.skips.into_iter().chain([residuals.mid]).map(|residual| residual.into_data()).collect()
}

/// The outputs of the network at a path, loaded with a model.
fn outputs_of(kind: Kind, path: &Path) -> Vec<TensorData> {
    let (_folder, mut model) = model(kind);
    let index = model.add_control(ControlFile::open(path).unwrap()).unwrap();
    outputs(kind, &load(&model).controls[index])
}

fn read(file: &Path) -> Tensors {
    let weights = Weights::in_file(file).unwrap();
    let tensor = |key: &str| (weights.shape(key).unwrap().to_vec(), weights.read(key).unwrap());
    weights.keys().map(|key| (key.to_string(), tensor(key))).collect()
}

fn temporary() -> TempDir {
    tempfile::tempdir().unwrap()
}
