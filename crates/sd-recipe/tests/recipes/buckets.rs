use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use sd_image::Image;
use sd_recipe::{Event, RecipeError};

use crate::lora::weights;
use crate::{train, train_model, train_watched};

/// A recipe for a LoRA of images of several proportions.
const LORA: &str = r#"
train = "lora"
output = "OUT/lora"
start = "OUT/model/model"
[lora]
rank = 2
[data]
folder = "OUT/images"
masks = "OUT/masks"
size = 16
flip = true
buckets = true
[training]
steps = 9
batch = 4
passes = 2
workers = 2
rate = 1e-2
checkpoint_every = 3
[samples]
count = 1
steps = 2
"#;

/// Makes a model, and images of three proportions with their masks.
fn begun(folder: &Path) {
    train_model(folder);
    ["images", "masks"].iter().for_each(|name| fs::create_dir(folder.join(name)).unwrap());
    for (i, (width, height)) in [(30, 30), (40, 20), (20, 40), (44, 20), (30, 31)].into_iter().enumerate() {
        let image = |red: u8| Image { width, height, rgb: [red, 0, 0].repeat(width * height) };
        image(50 * i as u8).save(folder.join(format!("images/{i}.png"))).unwrap();
        image(255).save(folder.join(format!("masks/{i}.png"))).unwrap();
        fs::write(folder.join(format!("images/{i}.txt")), format!("a house {i}")).unwrap();
    }
}

#[test]
fn images_keep_their_proportions_and_a_training_resumes_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    begun(folder);
    assert_eq!(train(folder, LORA, None).unwrap(), [""; 0]);
    let stopped = LORA.replace("OUT/lora", "OUT/stopped");
    let error = train(folder, &stopped, Some(4)).unwrap_err();
    assert!(matches!(error, RecipeError::Cancelled { step: 4 }), "{error}");
    // The latents of all sizes are kept.
    let mut encoded = 0;
    train_watched(folder, &stopped, &mut |event| {
        encoded += usize::from(matches!(event, Event::Busy { what: "encoding the images", .. }));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(encoded, 1);
    assert!(weights(&folder.join("stopped")) == weights(&folder.join("lora")));
    let squares = LORA.replace("buckets = true", "").replace("OUT/lora", "OUT/squares");
    train(folder, &squares, None).unwrap();
    assert!(weights(&folder.join("squares")) != weights(&folder.join("lora")));
}

/// Of one size, they are what they are without buckets.
#[test]
fn squares_in_buckets_are_squares() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    begun(folder);
    [1, 2, 3].iter().for_each(|i| fs::remove_file(folder.join(format!("images/{i}.png"))).unwrap());
    // Fewer images than a batch need fewer workers.
    let text = LORA.replace("passes = 2\nworkers = 2", "");
    train(folder, &text, None).unwrap();
    train(folder, &text.replace("buckets = true", "").replace("OUT/lora", "OUT/squares"), None).unwrap();
    assert!(weights(&folder.join("squares")) == weights(&folder.join("lora")));
}

#[test]
fn scenes_have_no_buckets() {
    let folder = tempfile::tempdir().unwrap();
    let text = LORA.replace("folder = \"OUT/images\"\nmasks = \"OUT/masks\"", "scenes = 4");
    let error = train(folder.path(), &text, None).unwrap_err().to_string();
    assert!(error.contains("`data.buckets` needs `data.folder`"), "{error}");
}
