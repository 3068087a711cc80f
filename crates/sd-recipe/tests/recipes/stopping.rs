//! A training can be stopped at any time, and no other training can interfere.

use std::fs;
use std::ops::ControlFlow;

use sd_recipe::{Event, RecipeError};

use crate::images::{image_folder, of_folder, write_image};
use crate::{AUTOENCODER, TEXT_TO_IMAGE, train, train_watched};

#[test]
fn a_training_is_stopped_while_images_are_read_drawn_and_encoded() {
    let folder = tempfile::tempdir().unwrap();
    let images = image_folder(folder.path());
    for i in 0..4 {
        write_image(&images.join(format!("{i}.png")), 60 * i);
        fs::write(images.join(format!("{i}.txt")), "red").unwrap();
    }
    train(folder.path(), AUTOENCODER, None).unwrap();
    let of_scenes = TEXT_TO_IMAGE.replace("OUT/model", "OUT/scenes");
    for (text, stop, done) in [
        (of_folder(TEXT_TO_IMAGE), "reading the images", 2),
        (of_folder(TEXT_TO_IMAGE), "encoding the images", 0),
        (of_scenes, "drawing the scenes", 0),
    ] {
        let stopped = train_watched(folder.path(), &text, &mut |event| match event {
            Event::Busy { what, done: so_far, .. } if *what == stop && *so_far == done => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        let error = stopped.unwrap_err();
        assert!(matches!(&error, RecipeError::Interrupted { what } if *what == stop), "{error}");
        train(folder.path(), &text, None).unwrap();
    }
}

#[test]
fn a_second_training_in_the_same_folder_says_what_runs_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut said = String::new();
    train_watched(folder.path(), AUTOENCODER, &mut |event| {
        if let Event::Step(progress) = event
            && progress.step == 0
        {
            let error = train(folder.path(), AUTOENCODER, None).unwrap_err();
            assert!(!error.is_usage() && !error.is_cancelled());
            said = error.to_string();
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let process = std::process::id();
    for words in
        ["autoencoder: ", &format!("process {process} (the training of "), ") works in this folder: wait for it"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn what_killed_trainings_left_half_written_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), AUTOENCODER, Some(2)).unwrap_err();
    let output = folder.path().join("autoencoder");
    let left =
        ["metrics.jsonl.7.partial", "checkpoint/step-9.safetensors.7-1.partial", "samples/step-000004.png.7.partial"];
    left.iter().for_each(|name| fs::write(output.join(name), "half").unwrap());
    fs::create_dir_all(output.join("model.7-0.partial/vae")).unwrap();
    train(folder.path(), AUTOENCODER, None).unwrap();
    for name in left {
        assert!(!output.join(name).exists(), "{name}");
    }
    #[cfg(unix)]
    assert!(!output.join("model.7-0.partial").exists());
}
