use std::fs;
use std::path::Path;

use sd_pipeline::Model;
use sd_recipe::RecipeError;

use crate::{AUTOENCODER, PIXELS, TEXT_TO_IMAGE, train, train_model};

/// The metrics without their times.
fn metrics(folder: &Path) -> Vec<[f64; 4]> {
    let text = fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.map(|line| ["step", "loss", "gradient_norm", "rate"].map(|key| line[key].as_f64().unwrap())).collect()
}

fn weights(folder: &Path) -> [Vec<u8>; 2] {
    ["unet/diffusion_pytorch_model", "text_encoder/model"]
        .map(|file| fs::read(folder.join(format!("model/{file}.safetensors"))).unwrap())
}

#[test]
fn a_training_that_was_stopped_goes_on_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Enough steps for two lines of metrics.
    let longer = |text: &str| text.replace("steps = 4\n", "steps = 20\n").replace("every = 2\n", "every = 10\n");
    train(folder, AUTOENCODER, None).unwrap();
    train(folder, &longer(TEXT_TO_IMAGE), None).unwrap();
    let stopped = longer(TEXT_TO_IMAGE).replace("OUT/model", "OUT/stopped");
    let error = train(folder, &stopped, Some(7)).unwrap_err();
    assert!(matches!(error, RecipeError::Cancelled { step: 7 }), "{error}");
    assert_eq!(train(folder, &stopped, None).unwrap(), [""; 0]);

    let [whole, stopped] = ["model", "stopped"].map(|name| folder.join(name));
    assert_eq!(weights(&stopped), weights(&whole));
    assert_eq!(
        fs::read(stopped.join("samples/step-000020.png")).unwrap(),
        fs::read(whole.join("samples/step-000020.png")).unwrap()
    );
    assert_eq!(metrics(&whole).len(), 2);
    assert_eq!(metrics(&stopped), metrics(&whole));
}

#[test]
fn what_comes_out_is_a_model_folder_and_all_that_shows_how_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    for file in ["loss.svg", "metrics.jsonl", "recipe.toml", "samples/step-000004.png", "checkpoint/training.json"] {
        assert!(folder.join("model").join(file).is_file(), "{file}");
    }
    // It knows the words of its captions, and splits others.
    let model = Model::open(folder.join("model/model")).unwrap();
    assert_eq!(model.split_words("a dragon"), ["dragon"]);
    // The factor makes the variance of latents about 1.
    let vae = fs::read_to_string(folder.join("autoencoder/model/vae/config.json")).unwrap();
    let factor = serde_json::from_str::<serde_json::Value>(&vae).unwrap()["scaling_factor"].as_f64().unwrap();
    assert!(factor.is_finite() && factor > 0.0 && factor != 1.0, "{factor}");
}

#[test]
fn a_model_in_pixels_is_trained_and_fine_tuned() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder, PIXELS, None).unwrap();
    assert!(folder.join("pixels/samples/step-000004.png").is_file());
    assert!(Model::open(folder.join("pixels/model")).is_ok());
    let (tables, rest) = (PIXELS.find("[unet]").unwrap(), PIXELS.find("[training]").unwrap());
    let tuned = format!("start = \"OUT/pixels/model\"{}{}", &PIXELS[..tables], &PIXELS[rest..]);
    train(folder, &tuned.replace("output = \"OUT/pixels\"", "output = \"OUT/tuned\""), None).unwrap();
    assert!(folder.join("tuned/model/unet/diffusion_pytorch_model.safetensors").is_file());
}

#[test]
fn a_model_is_fine_tuned_from_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    let tuned = r#"
train = "text-to-image"
output = "OUT/tuned"
start = "OUT/model/model"
[data]
scenes = 4
size = 16
[diffusion]
freeze_text_encoder = true
[training]
steps = 2
batch = 4
rate = 1e-3
[samples]
count = 1
steps = 1
"#;
    train(folder, tuned, None).unwrap();
    let ([unet, text], [old_unet, old_text]) = (weights(&folder.join("tuned")), weights(&folder.join("model")));
    assert!(unet != old_unet);
    assert!(text == old_text);
}

#[test]
fn a_changed_recipe_applies_from_the_checkpoint_on_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), AUTOENCODER, Some(2)).unwrap_err();
    let warnings = train(folder.path(), &AUTOENCODER.replace("rate = 1e-3", "rate = 1e-4"), None).unwrap();
    assert!(warnings[0].contains("from step 2 on"), "{warnings:?}");
}

/// A folder in place of the file stands for a full disk.
#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_one_before_it() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), AUTOENCODER, Some(2)).unwrap_err();
    let checkpoint = folder.path().join("autoencoder/checkpoint");
    let in_the_way = checkpoint.join("step-4.safetensors");
    fs::create_dir_all(in_the_way.join("x")).unwrap();
    let error = train(folder.path(), AUTOENCODER, None).unwrap_err().to_string();
    assert!(error.contains("step-4.safetensors: ") && error.contains("the checkpoint of step 2 is kept in"), "{error}");
    fs::remove_dir_all(in_the_way).unwrap();
    assert_eq!(train(folder.path(), AUTOENCODER, None).unwrap(), [""; 0]);
    assert!(checkpoint.join("step-4.safetensors").is_file());
}

#[test]
fn numbers_that_grow_without_end_stop_the_training_and_keep_the_last_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let wild = AUTOENCODER.replace("rate = 1e-3", "rate = 1e30\nclip_norm = 1e30").replace("steps = 4", "steps = 40");
    let wild = wild.replace("checkpoint_every = 2", "checkpoint_every = 1");
    let error = train(folder.path(), &wild, None).unwrap_err().to_string();
    assert!(error.contains("lower the learning rate"), "{error}");
    assert!(error.contains("the checkpoint of step"), "{error}");
    assert!(folder.path().join("autoencoder/checkpoint/training.json").is_file());
}
