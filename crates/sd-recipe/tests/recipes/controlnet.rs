use std::fs;
use std::path::Path;

use sd_image::Image;
use serde_json::Value;

use crate::images::write_image;
use crate::{sheet, train, train_and_resume, train_model};

/// A recipe for a ControlNet of the model that the other two make.
const CONTROL: &str = r#"
train = "controlnet"
output = "OUT/control"
start = "OUT/model/model"
seed = 4
[control]
condition = "canny"
[data]
scenes = 6
size = 16
[training]
steps = 20
batch = 4
workers = 2
rate = 1e-2
checkpoint_every = 5
[samples]
every = 10
count = 2
steps = 2
dtype = "f16"
"#;

fn weights(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("model/diffusion_pytorch_model.safetensors")).unwrap()
}

#[test]
fn a_control_network_is_trained_beside_its_model_and_resumes_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    let steered = crate::contents(&folder.join("model/model"));
    let [whole, stopped] = train_and_resume(folder, CONTROL, "control", 7);
    assert_eq!(weights(&stopped), weights(&whole));
    assert_eq!(sheet(&stopped, 20), sheet(&whole, 20));
    assert_ne!(sheet(&whole, 10), sheet(&whole, 20));
    assert_eq!(crate::contents(&folder.join("model/model")), steered);
}

#[test]
fn what_comes_out_is_a_folder_of_diffusers_with_the_conditions_above_the_samples() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    train(folder, CONTROL, None).unwrap();
    let control = folder.join("control");
    let config: Value = serde_json::from_slice(&fs::read(control.join("model/config.json")).unwrap()).unwrap();
    assert_eq!(config["_class_name"], "ControlNetModel");
    assert_eq!(config["conditioning_embedding_out_channels"], serde_json::json!([16, 32]));
    assert_eq!(config["layers_per_block"], 1);
    // Two columns and two rows, with gaps of two pixels.
    let sheet = Image::read(control.join("samples/step-000020.png")).unwrap();
    assert_eq!((sheet.width, sheet.height), (38, 38));
    let condition = (2..18).flat_map(|y| (2..18).map(move |x| (y * 38 + x) * 3)).map(|i| sheet.rgb[i]);
    assert!(condition.clone().all(|byte| byte == 0 || byte == 255) && condition.clone().any(|byte| byte == 255));
}

#[test]
fn conditions_may_be_files_beside_the_images() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    let (images, edges) = (folder.join("images"), folder.join("images/edges"));
    fs::create_dir_all(images.join("more")).unwrap();
    fs::create_dir_all(edges.join("more")).unwrap();
    for (i, name) in ["a", "more/b", "c", "d", "e"].into_iter().enumerate() {
        write_image(&images.join(name).with_extension("png"), 50 * i as u8);
        fs::write(images.join(name).with_extension("txt"), "a house").unwrap();
    }
    for name in ["a", "more/b", "e"] {
        write_image(&edges.join(name).with_extension("png"), 255);
    }
    let wide = Image { width: 40, height: 20, rgb: vec![0; 2400] };
    wide.save(edges.join("c.png")).unwrap();
    let text = CONTROL.replace("scenes = 6", "folder = \"OUT/images\"");
    let text = text.replace("condition = \"canny\"", "folder = \"OUT/images/edges\"").replace("batch = 4", "batch = 2");
    let warnings = train(folder, &text, None).unwrap().join("\n");
    for expected in [
        "c.png has 40×20 pixels, other proportions than the image's",
        "d.png is left out: no condition: neither ",
        "2 were left out, 3 images are used",
    ] {
        assert!(warnings.contains(expected), "{expected}: {warnings}");
    }
    // Another condition is noticed when the training is continued.
    write_image(&edges.join("a.png"), 0);
    let longer = text.replace("steps = 20", "steps = 22");
    let warnings = train(folder, &longer, None).unwrap().join("\n");
    assert!(warnings.contains("the conditions in "), "{warnings}");
}

#[test]
fn what_is_wrong_with_a_recipe_of_a_control_network_is_named() {
    let folder = tempfile::tempdir().unwrap();
    train_model(folder.path());
    for (from, to, expected) in [
        ("[control]\ncondition = \"canny\"", "", "no table [control]: it says what steers the model"),
        ("condition = \"canny\"", "", "[control] needs either `condition`"),
        ("condition = \"canny\"", "condition = \"canny\"\nfolder = \"x\"", "[control] needs either `condition`"),
        ("condition = \"canny\"", "folder = \"x\"", "`control.folder` needs `data.folder`"),
        ("\"canny\"", "\"depth\"", "line 7, column 13: "),
        ("\"canny\"", "\"inpaint\"", "`control.condition` is \"inpaint\", which needs a mask"),
        ("\"canny\"", "\"canny\"\nhint_width = [4]", "unknown field `hint_width`"),
        ("\"canny\"", "\"canny\"\nhint_widths = [4, 4, 4]", "`control.hint_widths` is [4, 4, 4], expected 2 numbers"),
        ("start = \"OUT/model/model\"", "", "`start` is missing: name the folder of the model"),
        ("OUT/model/model", "OUT/nowhere", "nowhere/vae/config.json: No such file"),
        ("[training]", "[unet]\n[training]", "[unet] is not used in this training: remove it"),
        ("size = 16", "size = 18", "`data.size` is 18, expected a multiple of 4"),
        ("train = \"controlnet\"", "train = \"text-to-image\"", "[control] is not used in this training: remove it"),
        ("[training]", "[diffusion]\nautoencoder = \"x\"\n[training]", "`diffusion.autoencoder` is not used"),
        ("[training]", "[diffusion]\ncaption_dropout = 1.5\n[training]", "`diffusion.caption_dropout` is 1.5"),
        ("batch = 4", "batch = 100000000000000", "`training.batch`: its images take"),
    ] {
        assert!(CONTROL.contains(from), "{from}");
        let error = train(folder.path(), &CONTROL.replace(from, to), None).unwrap_err();
        assert!(error.to_string().contains(expected), "{to}: {error}");
        assert!(!folder.path().join("control").exists(), "{to}");
    }
}
