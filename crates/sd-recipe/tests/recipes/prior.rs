use std::fs;
use std::path::Path;

use sd_golden::{Kind, TinyModel};
use sd_image::Image;
use sd_pipeline::Model;
use sd_recipe::RecipeError;

use crate::images::{image_folder, write_image};
use crate::{TEXT_TO_IMAGE, train, train_model};

/// A recipe for a LoRA of a subject, whose class is drawn beforehand.
const LORA: &str = r#"
train = "lora"
output = "OUT/lora"
start = "OUT/model/model"
[prior]
prompt = "a house"
images = 3
weight = 0.5
[lora]
rank = 2
[data]
scenes = 4
size = 16
trigger = "pqr"
[training]
steps = 6
batch = 2
rate = 1e-2
checkpoint_every = 2
[samples]
count = 1
steps = 2
"#;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn images_of_the_class_are_drawn_once_and_trained_on_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    train(folder, LORA, None).unwrap();
    let class = folder.join("lora/prior");
    assert_eq!(names(&class), ["00000.png", "00001.png", "00002.png"]);
    let image = Image::read(class.join("00001.png")).unwrap();
    assert_eq!((image.width, image.height), (16, 16));

    let stopped = LORA.replace("OUT/lora", "OUT/stopped");
    let error = train(folder, &stopped, Some(3)).unwrap_err();
    assert!(matches!(error, RecipeError::Cancelled { step: 3 }), "{error}");
    // An image that is missing is drawn again as it was.
    fs::remove_file(folder.join("stopped/prior/00001.png")).unwrap();
    assert_eq!(train(folder, &stopped, None).unwrap(), [""; 0]);
    let weights = |name: &str| {
        let weights = sd_weights::Weights::in_file(&folder.join(name).join("model/lora.safetensors")).unwrap();
        weights.keys().map(|key| weights.read(key).unwrap()).collect::<Vec<_>>()
    };
    assert!(weights("stopped") == weights("lora"));
    // The class has an effect.
    train(folder, &LORA.replace("OUT/lora", "OUT/other").replace("weight = 0.5", "weight = 5.0"), None).unwrap();
    assert!(weights("other") != weights("lora"));
}

#[test]
fn a_folder_of_the_class_is_filled_up_and_changes_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    let class = folder.join("class");
    fs::create_dir(&class).unwrap();
    (0..2).for_each(|i| write_image(&class.join(format!("mine-{i}.png")), 90 * i));
    let text = LORA.replace("weight = 0.5", "folder = \"OUT/class\"");
    train(folder, &text, None).unwrap();
    assert_eq!(names(&class), ["00000.png", "mine-0.png", "mine-1.png"]);
    write_image(&class.join("mine-1.png"), 7);
    let warnings = train(folder, &text.replace("steps = 6", "steps = 8"), None).unwrap();
    assert!(warnings.iter().any(|warning| warning.contains("the images of the class")), "{warnings:?}");
}

/// All weights of both networks, of both families.
#[test]
fn whole_models_are_trained_further_with_a_prior() {
    for kind in [Kind::Sd1, Kind::Sd2v] {
        let (folder, tiny) = (tempfile::tempdir().unwrap(), TinyModel::new(kind));
        let folder = folder.path();
        let images = image_folder(folder);
        for i in 0..2 {
            write_image(&images.join(format!("{i}.png")), 100 * i);
            fs::write(images.join(format!("{i}.txt")), "a pqr house").unwrap();
        }
        let text = LORA
            .replace("\"lora\"", "\"text-to-image\"")
            .replace("[lora]\nrank = 2\n", "")
            .replace("OUT/model/model", &tiny.path().display().to_string())
            .replace("scenes = 4\nsize = 16\ntrigger = \"pqr\"", "folder = \"OUT/images\"\nsize = 64")
            .replace("images = 3", "images = 1")
            .replace("steps = 6", "steps = 1");
        assert_eq!(train(folder, &text, None).unwrap(), [""; 0], "{kind:?}");
        let model = Model::open(folder.join("lora/model")).unwrap();
        assert_eq!(model.default_size(), (64, 64));
        let network = |folder: &Path, name: &str| {
            let weights = sd_weights::Weights::in_folder(
                &folder.join(name),
                match name {
                    "unet" => "diffusion_pytorch_model",
                    _ => "model",
                },
            );
            let weights = weights.unwrap();
            weights.keys().map(|key| (key.to_string(), weights.read(key).unwrap())).collect::<Vec<_>>()
        };
        for name in ["unet", "text_encoder"] {
            let [old, new] = [tiny.path(), &folder.join("lora/model")].map(|folder| network(folder, name));
            let keys = |tensors: &[(String, Vec<f32>)]| tensors.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
            assert_eq!(keys(&old), keys(&new), "{kind:?} {name}");
            assert!(old != new, "{kind:?} {name}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_prior_is_named() {
    let folder = tempfile::tempdir().unwrap();
    train_model(folder.path());
    for (from, to, expected) in [
        ("prompt = \"a house\"", "", "missing field `prompt`"),
        ("images = 3", "image = 3", "unknown field `image`"),
        ("images = 3", "images = 0", "`prior.images` is 0, expected at least 1"),
        ("images = 3", "images = 100000000000000", "`prior.images`: 100000000000000 images take"),
        ("weight = 0.5", "weight = -1.0", "`prior.weight` is -1, expected a number above 0"),
        ("[training]", "[diffusion]\nimportance_sampling = true\n[training]", "does not go with [prior]"),
    ] {
        assert!(LORA.contains(from), "{from}");
        let error = train(folder.path(), &LORA.replace(from, to), None).unwrap_err();
        assert!(error.to_string().contains(expected), "{to}: {error}");
        assert!(!folder.path().join("lora").exists(), "{to}");
    }
    let same = LORA.replace("scenes = 4", "folder = \"OUT/x\"").replace("weight = 0.5", "folder = \"OUT/x\"");
    let error = train(folder.path(), &same, None).unwrap_err();
    assert!(error.to_string().contains("`prior.folder` is `data.folder`"), "{error}");
    let without = TEXT_TO_IMAGE.replace("[data]", "prior = { prompt = \"a house\" }\n[data]");
    let error = train(folder.path(), &without, None).unwrap_err();
    assert!(error.to_string().contains("[prior] needs `start`"), "{error}");
}
