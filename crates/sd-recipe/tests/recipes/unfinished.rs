//! The next run of a recipe finishes outputs that a training could not finish, for any reason.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use sd_recipe::{Event, RecipeError};

use crate::{AUTOENCODER, PIXELS, TEXT_TO_IMAGE, contents, train, train_watched};

/// Each kind of training, the name of its output, and a file of its model.
const KINDS: [(&str, &str, &str); 3] = [
    (AUTOENCODER, "autoencoder", "model/vae/diffusion_pytorch_model.safetensors"),
    (PIXELS, "pixels", "model/unet/diffusion_pytorch_model.safetensors"),
    (TEXT_TO_IMAGE, "model", "model/text_encoder/model.safetensors"),
];

/// `text` with another output folder.
fn renamed(text: &str, from: &str, to: &str) -> String {
    text.replace(&format!("output = \"OUT/{from}\""), &format!("output = \"OUT/{to}\""))
}

/// The model and the samples, without the name of their folder.
fn outputs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let part = |name: &str| contents(&folder.join(name)).into_iter();
    let named = |(path, bytes): (std::path::PathBuf, Vec<u8>)| {
        (path.strip_prefix(folder).unwrap().display().to_string(), bytes)
    };
    part("model").chain(part("samples")).map(named).collect()
}

/// Trains to the last checkpoint; then puts a folder in place of a file, as if the disk were full.
fn fail_after_the_last_checkpoint(folder: &Path, text: &str, in_the_way: &Path) -> RecipeError {
    let failed = train_watched(folder, text, &mut |event| {
        if let Event::Saved { step: 4 } = event {
            let _ = fs::remove_file(in_the_way);
            fs::create_dir_all(in_the_way.join("x")).unwrap();
        }
        ControlFlow::Continue(())
    });
    failed.unwrap_err()
}

#[test]
fn what_could_not_be_written_after_the_last_checkpoint_is_written_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (text, name, weights) in KINDS {
        train(folder, text, None).unwrap();
        let expected = outputs(&folder.join(name));
        for (i, file) in [weights, "samples/step-000004.png", "loss.svg", "model/trained.json"].iter().enumerate() {
            let other = format!("{name}-{i}");
            let (text, output) = (renamed(text, name, &other), folder.join(&other));
            let in_the_way = output.join(file);
            let error = fail_after_the_last_checkpoint(folder, &text, &in_the_way);
            assert!(!error.is_cancelled(), "{error}");
            fs::remove_dir_all(&in_the_way).unwrap();
            train(folder, &text, None).unwrap();
            assert!(output.join("loss.svg").is_file());
            assert!(outputs(&output) == expected, "{name}: {file}");
        }
    }
}

#[test]
fn what_was_stopped_while_samples_were_drawn_is_drawn_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (text, name, _) in KINDS {
        train(folder, text, None).unwrap();
        let text = renamed(text, name, "stopped");
        let stopped = train_watched(folder, &text, &mut |event| match event {
            Event::Busy { what: "drawing the samples", .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        let error = stopped.unwrap_err();
        assert!(error.is_cancelled() && error.to_string().contains("while drawing the samples"), "{error}");
        assert!(!folder.join("stopped/model/trained.json").exists());
        train(folder, &text, None).unwrap();
        assert!(outputs(&folder.join("stopped")) == outputs(&folder.join(name)), "{name}");
        fs::remove_dir_all(folder.join("stopped")).unwrap();
    }
}

/// A model left over from an earlier training with as many steps is not the model of the new one.
#[test]
fn a_model_that_was_there_before_is_not_taken_for_the_finished_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train(folder, PIXELS, None).unwrap();
    let output = folder.join("pixels");
    fs::remove_dir_all(output.join("checkpoint")).unwrap();
    let other = PIXELS.replace("[data]", "seed = 9\n[data]");
    let in_the_way = output.join("samples/step-000002.png");
    fs::remove_file(&in_the_way).unwrap();
    fs::create_dir_all(in_the_way.join("x")).unwrap();
    let first = output.join("model/unet/diffusion_pytorch_model.safetensors");
    let old = fs::read(&first).unwrap();
    // It ends before its first model is complete.
    train(folder, &other, None).unwrap_err();
    assert!(!output.join("model/trained.json").exists());
    fs::remove_dir_all(&in_the_way).unwrap();
    train(folder, &other, None).unwrap();
    assert!(fs::read(&first).unwrap() != old);
    train(folder, &renamed(&other, "pixels", "whole"), None).unwrap();
    assert!(outputs(&output) == outputs(&folder.join("whole")));
}

#[test]
fn a_finished_training_has_nothing_left_to_do() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), PIXELS, None).unwrap();
    let before = contents(&folder.path().join("pixels"));
    train_watched(folder.path(), PIXELS, &mut |event| {
        assert!(!matches!(event, Event::Step(_) | Event::Saved { .. } | Event::Sampled(_)), "{event:?}");
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(contents(&folder.path().join("pixels")) == before);
}

#[test]
fn no_samples_are_drawn_if_none_are_requested() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (text, name, weights) in KINDS {
        train(folder, &text.replace("count = 2", "count = 0"), None).unwrap();
        assert!(folder.join(name).join(weights).is_file());
        assert!(contents(&folder.join(name).join("samples")).is_empty());
    }
}
