use std::fs::{copy, create_dir_all, read_dir, read_to_string};
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use half::f16;
use half::slice::HalfFloatSliceExt;
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};
use sd_samplers::TorchNoise;
use sd_unet::UnetConfig;
use sd_weights::{Weights, parameters};
use serde_json::Value;
use tempfile::TempDir;

use crate::kind::data;
use crate::single_file::{Numbers, Part, SingleTensor, single_tensors};
use crate::{Kind, conventional, ddpm, later_ddpm, learned_variance, listed, vae_tiny, vision};

/// A model folder in the diffusers layout, removed when dropped.
#[derive(Debug)]
pub struct TinyModel {
    folder: TempDir,
    /// The kind of a text-to-image model.
    kind: Option<Kind>,
}

impl TinyModel {
    /// Writes the folder: configs, vocabularies, and seeded weights in half precision.
    ///
    /// # Panics
    ///
    /// Panics if that fails.
    pub fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        if let Kind::Conventional(family) = kind {
            conventional::write_configs(family, path);
        } else {
            copy_folder(&kind.data().join("model"), path);
            for (name, _) in kind.text() {
                copy_folder(&data().join("models/tokenizer"), &path.join(name.replace("text_encoder", "tokenizer")));
            }
        }
        // Only the parameters' names and shapes are read; nothing is initialised on this device.
        let device = Device::flex();
        for (name, config) in kind.text() {
            write_weights(kind.name(), name, &config.init(&device), &path.join(name).join("model.safetensors"));
        }
        let weights = |part: &str| path.join(part).join("diffusion_pytorch_model.safetensors");
        write_weights(kind.name(), "unet", &kind.unet().init(&device), &weights("unet"));
        write_weights(kind.name(), "vae", &kind.vae().init(&device), &weights("vae"));
        Self { folder, kind: Some(kind) }
    }

    /// Writes the folder of a model whose U-Net takes `channels` input channels.
    ///
    /// # Panics
    ///
    /// Panics if that fails.
    pub fn with_channels(kind: Kind, channels: usize) -> Self {
        let model = Self::new(kind);
        model.change("unet/config.json", &[("in_channels".to_string(), channels.into())].into_iter().collect());
        let unet = UnetConfig { in_channels: channels, ..kind.unet() };
        let file = model.path().join("unet/diffusion_pytorch_model.safetensors");
        write_weights(kind.name(), "unet", &unet.init(&Device::flex()), &file);
        model
    }

    /// Writes the folder of a pixel model without text, and the weights of [`later_ddpm`] to its subfolder `later`.
    ///
    /// # Panics
    ///
    /// Panics if that fails.
    pub fn ddpm() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, device) = (folder.path(), Device::flex());
        copy_folder(&data().join("models/ddpm/model"), path);
        create_dir_all(path.join("later")).expect("the temporary folder can be written");
        for (part, config) in [("unet", ddpm()), ("later", later_ddpm())] {
            let file = path.join(part).join("diffusion_pytorch_model.safetensors");
            write_weights("ddpm", part, &config.init(&device), &file);
        }
        Self { folder, kind: None }
    }

    /// Writes the folder of a pixel model that also says the variance of its noise.
    ///
    /// # Panics
    ///
    /// Panics if that fails.
    pub fn learned_variance() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy_folder(&data().join("learned_variance/model"), folder.path());
        let file = folder.path().join("unet/diffusion_pytorch_model.safetensors");
        write_weights("learned_variance", "unet", &learned_variance().init(&Device::flex()), &file);
        Self { folder, kind: None }
    }

    /// Writes the folder of a small AutoencoderTiny.
    ///
    /// # Panics
    ///
    /// Panics if that fails.
    pub fn vae_tiny() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy_folder(&data().join("vae_tiny/model"), folder.path());
        let file = folder.path().join("diffusion_pytorch_model.safetensors");
        write_weights("vae_tiny", "vae", &vae_tiny().init(&Device::flex()), &file);
        Self { folder, kind: None }
    }

    /// Writes the folder of a small image encoder of the set `vision`, as its subfolder `image_encoder`.
    ///
    /// # Panics
    ///
    /// Panics if there is no such encoder, or if writing fails.
    pub fn vision(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let encoder = folder.path().join("image_encoder");
        copy_folder(&data().join("vision").join(name), &encoder);
        let config = vision().into_iter().find(|(found, _)| *found == name).expect("there is such an encoder").1;
        write_weights("vision", name, &config.init(&Device::flex()), &encoder.join("model.safetensors"));
        Self { folder, kind: None }
    }

    /// Returns the same weights with the names of a single file, and the other tensors of such files, which nothing reads
    /// and whose values are NaN.
    ///
    /// # Panics
    ///
    /// Panics for a model that reads no text.
    pub fn single_tensors(&self) -> Vec<SingleTensor> {
        let kind = self.kind.expect("a model that draws from text");
        let (family, device) = (kind.family(), Device::flex());
        let seeded = |part: &str, parameters: Vec<(String, Vec<usize>)>| -> Vec<(String, Vec<usize>, Numbers)> {
            let with_values = |(key, shape): (String, Vec<usize>)| {
                let values = weights(kind.name(), part, &key, &shape);
                (key, shape, values)
            };
            parameters.into_iter().map(with_values).collect()
        };
        let unet = seeded("unet", parameters(&kind.unet().init(&device)));
        let vae = seeded("vae", parameters(&kind.vae().init(&device)));
        let mut tensors = single_tensors(Part::Unet, family, unet);
        tensors.extend(single_tensors(Part::Vae, family, vae));
        for (i, (part, config)) in kind.text().into_iter().enumerate() {
            let text = seeded(part, parameters(&config.init(&device)));
            tensors.extend(single_tensors(Part::Text(i), family, text));
        }
        tensors
    }

    /// Changes keys of `scheduler_config.json`.
    ///
    /// # Panics
    ///
    /// Panics if the file cannot be read or written.
    pub fn change_scheduler(&self, changes: &serde_json::Map<String, Value>) {
        self.change("scheduler/scheduler_config.json", changes);
    }

    /// Changes keys of a JSON file of the folder.
    ///
    /// # Panics
    ///
    /// Panics if the file cannot be read or written.
    pub fn change(&self, file: &str, changes: &serde_json::Map<String, Value>) {
        let file = self.path().join(file);
        let text = read_to_string(&file).expect("the folder has this file");
        let mut config: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("it is JSON");
        config.extend(changes.clone());
        std::fs::write(file, Value::Object(config).to_string()).expect("the temporary folder can be written");
    }

    /// Loads the weights of a part into a network: `part` is the name of a subfolder, or empty for the folder itself.
    ///
    /// # Panics
    ///
    /// Panics if they do not fit.
    pub fn load<M: Module>(&self, part: &str, module: M) -> M {
        let is_clip = part.starts_with("text_encoder") || part.starts_with("image_encoder");
        let stem = if is_clip { "model" } else { "diffusion_pytorch_model" };
        let weights = Weights::in_folder(&self.path().join(part), stem).expect("the folder has weights");
        weights.load(module, FloatDType::F32).expect("they fit")
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Returns standard normal noise, seeded with the hash of `name`.
///
/// # Shapes
///
/// - output: `shape`
pub fn noise<const D: usize>(name: &str, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values = TorchNoise::new(hash(name)).randn(shape.iter().product());
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Returns the module with the weights that a part of a tiny model has.
///
/// # Panics
///
/// Panics if no temporary file can be written.
pub fn seeded<M: Module>(kind: &str, part: &str, module: M) -> M {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("model.safetensors");
    write_weights(kind, part, &module, &file);
    Weights::in_folder(folder.path(), "model")
        .and_then(|weights| weights.load(module, FloatDType::F32))
        .expect("the module's own weights")
}

/// FNV-1a with 32 bits.
fn hash(name: &str) -> u64 {
    let step = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    u64::from(name.bytes().fold(0x811c_9dc5, step))
}

/// Writes a module's weights to a safetensors file in half precision, each tensor seeded with the hash of its name.
///
/// # Panics
///
/// Panics if the file cannot be written.
pub fn write_weights<M: Module>(kind: &str, part: &str, module: &M, file: &Path) {
    write_seeded(kind, part, parameters(module), file);
}

/// Writes the weights of a small network for enlarging images, of the set `upscalers`, with the names of its layout.
///
/// # Panics
///
/// Panics if there is no such network, or if the file cannot be written.
pub fn write_upscaler(name: &str, file: &Path) {
    write_listed("upscalers", name, file);
}

/// Writes seeded weights with the names and shapes of a [list](listed).
///
/// # Panics
///
/// Panics if there is no such list, or if the file cannot be written.
pub fn write_listed(set: &str, list: &str, file: &Path) {
    write_seeded(set, list, listed(set, list).into_iter().collect(), file);
}

fn write_seeded(kind: &str, part: &str, tensors: Vec<(String, Vec<usize>)>, file: &Path) {
    let with_values = |(key, shape): (String, Vec<usize>)| {
        let values = weights(kind, part, &key, &shape);
        (key, shape, values)
    };
    write_halves(tensors.into_iter().map(with_values).collect(), file);
}

pub(crate) fn write_halves(tensors: Vec<(String, Vec<usize>, Vec<f16>)>, file: &Path) {
    let bytes = |(key, shape, values): (String, Vec<usize>, Vec<f16>)| {
        (key, shape, values.into_iter().flat_map(f16::to_le_bytes).collect::<Vec<u8>>())
    };
    let tensors: Vec<_> = tensors.into_iter().map(bytes).collect();
    let views = tensors.iter().map(|(key, shape, bytes)| {
        (key, TensorView::new(Dtype::F16, shape.clone(), bytes).expect("bytes that match the shape"))
    });
    serialize_to_file(views, None, file).expect("the temporary folder can be written");
}

/// Returns the values of one tensor, by the rule of `golden/tiny.py`.
fn weights(kind: &str, part: &str, key: &str, shape: &[usize]) -> Vec<f16> {
    let per_output: usize = shape[1..].iter().product();
    let (offset, scale) = match key {
        key if ["norm", "ln_"].iter().any(|norm| key.contains(norm)) && key.ends_with("weight") => (1.0, 0.2),
        _ if shape.len() < 2 => (0.0, 0.1),
        key if key.contains("embeddings.") => (0.0, 0.3),
        _ => (0.0, (0.9 / (per_output as f64).sqrt()) as f32),
    };
    halves(&format!("{kind}/{part}/{key}"), shape, offset, scale)
}

/// Returns normal noise of this mean and standard deviation in half precision, seeded with the hash of `name`.
pub(crate) fn halves(name: &str, shape: &[usize], mean: f32, deviation: f32) -> Vec<f16> {
    let mut values = TorchNoise::new(hash(name)).randn(shape.iter().product());
    values.iter_mut().for_each(|z| *z = mean + deviation * *z);
    let mut halves = vec![f16::ZERO; values.len()];
    halves.convert_from_f32_slice(&values);
    halves
}

fn copy_folder(from: &Path, to: &Path) {
    create_dir_all(to).expect("the temporary folder can be written");
    for entry in read_dir(from).expect("golden/ is complete").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            copy(entry.path(), target).expect("the temporary folder can be written");
        }
    }
}
