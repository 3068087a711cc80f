//! Images, captions and autoencoders that change during a training or after it.

use std::fs;
use std::path::Path;

use crate::images::{image_folder, of_folder, write_image};
use crate::{AUTOENCODER, TEXT_TO_IMAGE, contents, train};

/// Makes a folder of six captioned images and an autoencoder; returns the recipe of a training on them.
fn begun(folder: &Path) -> String {
    train(folder, AUTOENCODER, None).unwrap();
    let images = image_folder(folder);
    for (i, caption) in ["a red house", "a boat", "two cars", "a tree", "snow", "night"].iter().enumerate() {
        write_image(&images.join(format!("{i}.png")), 40 * i as u8);
        fs::write(images.join(format!("{i}.txt")), caption).unwrap();
    }
    of_folder(TEXT_TO_IMAGE)
}

fn add_captioned(folder: &Path) {
    write_image(&folder.join("images/7.png"), 250);
    fs::write(folder.join("images/7.txt"), "a zebra").unwrap();
}

#[test]
fn a_finished_model_stays_as_it_is_when_captions_are_added() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let recipe = begun(folder);
    train(folder, &recipe, None).unwrap();
    let model = contents(&folder.join("model/model"));
    add_captioned(folder);
    let warnings = train(folder, &recipe, None).unwrap();
    assert!(contents(&folder.join("model/model")) == model);
    assert_eq!(warnings.len(), 1);
    for words in
        ["the images and captions in ", "6 images then, 7 now", "the model stays as it is", "raise `training.steps`"]
    {
        assert!(warnings[0].contains(words), "{words}: {warnings:?}");
    }
}

#[test]
fn a_training_that_goes_on_keeps_its_vocabulary_when_captions_change() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let recipe = begun(folder);
    train(folder, &recipe, Some(2)).unwrap_err();
    let vocabulary = contents(&folder.join("model/checkpoint/tokenizer"));
    fs::write(folder.join("images/0.txt"), "a zebra").unwrap();
    let warnings = train(folder, &recipe, None).unwrap();
    let kept = |folder: &Path| contents(folder).into_values().collect::<Vec<_>>();
    assert!(kept(&folder.join("model/model/tokenizer")) == vocabulary.values().cloned().collect::<Vec<_>>());
    assert_eq!(warnings.len(), 1);
    for words in ["the captions in ", "from step 2; its vocabulary stays", "name another `output`"] {
        assert!(warnings[0].contains(words), "{words}: {warnings:?}");
    }
    // From then on, the new captions are those of the checkpoint.
    assert_eq!(train(folder, &recipe, None).unwrap(), [""; 0]);
}

#[test]
fn a_checkpoint_without_its_vocabulary_is_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let recipe = begun(folder);
    train(folder, &recipe.replace("every = 2", "every = 4"), Some(2)).unwrap_err();
    fs::remove_dir_all(folder.join("model/checkpoint/tokenizer")).unwrap();
    let error = train(folder, &recipe, None).unwrap_err().to_string();
    assert!(error.contains("checkpoint/tokenizer: it belongs to the checkpoint and is missing"), "{error}");
}

/// Before there is a checkpoint, nothing depends on the vocabulary.
#[test]
fn a_training_without_a_checkpoint_learns_the_words_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let recipe = begun(folder);
    train(folder, &recipe.replace("rate = 1e-3", "rate = 1e30\nclip_norm = 1e30"), None).unwrap_err();
    assert!(
        folder.join("model/checkpoint/tokenizer").is_dir() && !folder.join("model/checkpoint/training.json").exists()
    );
    add_captioned(folder);
    assert_eq!(train(folder, &recipe, None).unwrap(), [""; 0]);
    let words = fs::read_to_string(folder.join("model/model/tokenizer/vocab.json")).unwrap();
    assert!(words.contains("\"zebra</w>\""));
}

#[test]
fn a_training_keeps_the_autoencoder_that_it_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let recipe = begun(folder);
    train(folder, &recipe, Some(2)).unwrap_err();
    let before = contents(&folder.join("autoencoder/model/vae")).into_values().collect::<Vec<_>>();
    fs::remove_dir_all(folder.join("autoencoder")).unwrap();
    // The training does not need it any more.
    let stopped = contents(&folder.join("model"));
    assert_eq!(train(folder, &recipe, None).unwrap(), [""; 0]);
    assert!(contents(&folder.join("model/model/vae")).into_values().collect::<Vec<_>>() == before);

    fs::remove_dir_all(folder.join("model")).unwrap();
    for (path, bytes) in stopped {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    train(folder, &AUTOENCODER.replace("[data]", "seed = 5\n[data]"), None).unwrap();
    let warnings = train(folder, &recipe, None).unwrap();
    assert!(
        warnings[0].contains("autoencoder/model/vae differs from the autoencoder that this training began with"),
        "{warnings:?}"
    );
    assert!(contents(&folder.join("model/model/vae")).into_values().collect::<Vec<_>>() == before);
}

#[test]
fn latents_of_images_that_are_gone_are_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let recipe = begun(folder);
    train(folder, &recipe, None).unwrap();
    add_captioned(folder);
    train(folder, &recipe, None).unwrap();
    let is_latents = |path: &std::path::PathBuf| path.display().to_string().contains("/latents-");
    assert_eq!(contents(&folder.join("model")).keys().filter(|path| is_latents(path)).count(), 1);
}

/// Earlier versions kept what belongs to the checkpoint in the model's folder alone.
#[test]
fn a_training_of_an_earlier_version_keeps_its_vocabulary_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let recipe = begun(folder);
    train(folder, &recipe, None).unwrap();
    let model = contents(&folder.join("model/model"));
    for part in ["tokenizer", "vae"] {
        fs::remove_dir_all(folder.join("model/checkpoint").join(part)).unwrap();
    }
    fs::remove_file(folder.join("model/model/trained.json")).unwrap();
    add_captioned(folder);
    train(folder, &recipe, None).unwrap();
    assert!(contents(&folder.join("model/model")) == model);
}
