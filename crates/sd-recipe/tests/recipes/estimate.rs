use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use sd_recipe::{Estimate, Recipe, estimate};

use crate::{AUTOENCODER, PIXELS, TEXT_TO_IMAGE, contents, train, write};

/// Estimates a recipe without touching its output folder.
pub fn estimated(folder: &Path, text: &str) -> Estimate {
    let scratch = tempfile::tempdir().unwrap();
    let recipe = Recipe::read(&write(folder, "recipe.toml", text)).unwrap();
    let before = contents(folder);
    let found = estimate(&recipe, scratch.path(), &Device::flex(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(contents(folder) == before);
    found
}

/// Counts the values of the safetensors files in a model folder.
pub fn values(folder: &Path, names: &[&str]) -> usize {
    let values = |name: &&str| {
        let weights = sd_weights::Weights::in_file(&folder.join(name)).unwrap();
        weights.keys().map(|key| weights.shape(key).unwrap().iter().product::<usize>()).sum::<usize>()
    };
    names.iter().map(values).sum()
}

#[test]
fn what_is_trained_is_counted_as_it_is_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (text, output, names) in [
        (AUTOENCODER, "autoencoder", &["vae/diffusion_pytorch_model.safetensors"][..]),
        (TEXT_TO_IMAGE, "model", &["unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"]),
        (PIXELS, "pixels", &["unet/diffusion_pytorch_model.safetensors"]),
    ] {
        let found = estimated(folder, text);
        assert_eq!((found.images, found.undrawn, found.made, found.steps, found.batch), (6, 0, 0, 4, 4), "{output}");
        assert!(found.step_seconds > 0.0 && found.seconds() >= 4.0 * found.step_seconds, "{found:?}");
        assert_eq!(found.encoding_seconds > 0.0, output == "model", "{found:?}");
        train(folder, text, None).unwrap();
        assert_eq!(found.trained, values(&folder.join(output).join("model"), names), "{output}");
    }
}

#[test]
fn steps_that_were_made_and_images_that_are_to_be_drawn_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder, AUTOENCODER, None).unwrap();
    train(folder, TEXT_TO_IMAGE, Some(3)).unwrap_err();
    let found = estimated(folder, TEXT_TO_IMAGE);
    assert_eq!((found.made, found.steps), (3, 4));
    train(folder, TEXT_TO_IMAGE, None).unwrap();
    assert_eq!(estimated(folder, TEXT_TO_IMAGE).seconds(), 0.0);
    let lora = "train = \"lora\"\noutput = \"OUT/lora\"\nstart = \"OUT/model/model\"\nlora = { rank = 1 }\n\
                data = { scenes = 3, size = 16, flip = true }\nprior = { prompt = \"a house\", images = 7 }\n\
                training = { steps = 2, batch = 2, rate = 1e-3 }";
    let found = estimated(folder, lora);
    assert_eq!((found.images, found.undrawn), (6, 7));
}
