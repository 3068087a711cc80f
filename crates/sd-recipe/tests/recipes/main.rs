//! Recipes as a user writes them: their outputs, how they resume, and the errors of bad ones.

mod bad_recipes;
mod buckets;
mod changed_data;
mod controlnet;
mod distillation;
mod edm;
mod estimate;
mod folders;
mod images;
mod inversion;
mod learned_variance;
mod lora;
mod masks;
mod prior;
mod self_conditioning;
mod stopping;
mod trainings;
mod unfinished;
mod used_keys;
mod xl;

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use sd_recipe::{Event, Recipe, RecipeError, Watch};

/// A recipe for an autoencoder of a few hundred weights, in a folder of its own.
const AUTOENCODER: &str = r#"
train = "autoencoder"
output = "OUT/autoencoder"
[data]
scenes = 6
size = 16
[vae]
block_out_channels = [4, 4]
down_block_types = ["DownEncoderBlock2D", "DownEncoderBlock2D"]
up_block_types = ["UpDecoderBlock2D", "UpDecoderBlock2D"]
norm_num_groups = 2
[training]
steps = 4
batch = 4
workers = 2
rate = 1e-3
checkpoint_every = 2
[samples]
every = 4
count = 2
"#;

/// A recipe for the text encoder and the U-Net that go with it.
const TEXT_TO_IMAGE: &str = r#"
train = "text-to-image"
output = "OUT/model"
seed = 3
[data]
scenes = 6
size = 16
[text_encoder]
hidden_size = 8
intermediate_size = 16
num_hidden_layers = 2
num_attention_heads = 2
max_position_embeddings = 24
[unet]
block_out_channels = [4, 8]
down_block_types = ["DownBlock2D", "CrossAttnDownBlock2D"]
up_block_types = ["CrossAttnUpBlock2D", "UpBlock2D"]
layers_per_block = 1
attention_head_dim = 2
cross_attention_dim = 8
norm_num_groups = 2
[scheduler]
beta_schedule = "squaredcos_cap_v2"
prediction_type = "v_prediction"
[diffusion]
autoencoder = "OUT/autoencoder/model"
min_snr_gamma = 5.0
importance_sampling = true
[training]
steps = 4
batch = 4
rate = 1e-3
checkpoint_every = 2
[samples]
every = 2
count = 2
steps = 2
"#;

/// A recipe for pixels, without a text.
const PIXELS: &str = r#"
train = "pixels"
output = "OUT/pixels"
[data]
scenes = 6
size = 16
[unet]
sample_size = 16
block_out_channels = [4, 8]
down_block_types = ["DownBlock2D", "AttnDownBlock2D"]
up_block_types = ["AttnUpBlock2D", "UpBlock2D"]
layers_per_block = 1
attention_head_dim = 4
norm_num_groups = 2
[scheduler]
beta_schedule = "linear"
[training]
steps = 4
batch = 4
rate = 1e-3
checkpoint_every = 2
[samples]
every = 2
count = 2
steps = 2
"#;

/// Writes a recipe, with `OUT` for the folder.
fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    fs::write(&file, text.replace("OUT", &folder.display().to_string())).unwrap();
    file
}

/// Trains by a recipe; stops after `stop` steps. Returns the warnings.
fn train(folder: &Path, text: &str, stop: Option<u64>) -> Result<Vec<String>, RecipeError> {
    let mut warnings = Vec::new();
    train_watched(folder, text, &mut |event| {
        match event {
            Event::Warning(message) => warnings.push(message.clone()),
            Event::Step(progress) if Some(progress.step + 1) == stop => return ControlFlow::Break(()),
            _ => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok(warnings)
}

/// Trains by a recipe, with a watcher.
fn train_watched(folder: &Path, text: &str, watch: &mut Watch) -> Result<(), RecipeError> {
    sd_recipe::train(&Recipe::read(&write(folder, "recipe.toml", text))?, &Device::flex(), watch)
}

/// Trains the model of [`AUTOENCODER`] and [`TEXT_TO_IMAGE`], in `model/model`.
fn train_model(folder: &Path) {
    train(folder, AUTOENCODER, None).unwrap();
    train(folder, TEXT_TO_IMAGE, None).unwrap();
}

/// Trains by a recipe with the output `OUT/name`, and again in `stopped`, where it is stopped after so many steps and resumed. Returns both
/// folders.
fn train_and_resume(folder: &Path, text: &str, name: &str, stop: u64) -> [PathBuf; 2] {
    train(folder, text, None).unwrap();
    let stopped = text.replace(&format!("OUT/{name}"), "OUT/stopped");
    let error = train(folder, &stopped, Some(stop)).unwrap_err();
    assert!(matches!(error, RecipeError::Cancelled { step } if step == stop), "{error}");
    assert_eq!(train(folder, &stopped, None).unwrap(), [""; 0]);
    [name, "stopped"].map(|name| folder.join(name))
}

/// The file of samples of a step.
fn sheet(folder: &Path, step: u64) -> Vec<u8> {
    fs::read(folder.join(format!("samples/step-{step:06}.png"))).unwrap()
}

/// All files of a folder and its subfolders, with their contents.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}
