use std::fs;
use std::path::Path;

use burn::tensor::Device;
use sd_image::Image;
use sd_pipeline::{DType, Lora, Model, Pipeline, Request};
use sd_weights::Weights;

use crate::images::write_image;
use crate::{sheet, train, train_and_resume, train_model};

/// A recipe for a LoRA of the model that the other two make.
const LORA: &str = r#"
train = "lora"
output = "OUT/lora"
start = "OUT/model/model"
seed = 4
[lora]
rank = 2
alpha = 1
targets = "all"
dropout = 0.1
text_encoder = true
[data]
scenes = 6
size = 16
style = "pencil"
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
"#;

/// The values of all tensors of kohya's file.
pub fn weights(folder: &Path) -> Vec<(String, Vec<f32>)> {
    let weights = Weights::in_file(&folder.join("model/lora.safetensors")).unwrap();
    weights.keys().map(|key| (key.to_string(), weights.read(key).unwrap())).collect()
}

fn draw(model: &Path, lora: Option<(&Path, f64)>) -> Image {
    let mut model = Model::open(model).unwrap();
    if let Some((file, scale)) = lora {
        assert_eq!(model.merge(Lora::open(file, scale).unwrap()).unwrap().unmatched, [""; 0]);
    }
    let pipeline = Pipeline::load(model, &Device::flex(), DType::F32).unwrap();
    pipeline.draw(&Request { steps: Some(2), seed: 1, ..Request::new("a house") }).unwrap().image
}

#[test]
fn a_lora_is_trained_beside_its_model_and_resumes_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    let changed = crate::contents(&folder.join("model/model"));
    let [whole, stopped] = train_and_resume(folder, LORA, "lora", 7);
    assert!(weights(&stopped) == weights(&whole));
    assert_eq!(sheet(&stopped, 20), sheet(&whole, 20));
    assert_ne!(sheet(&whole, 10), sheet(&whole, 20));
    assert_eq!(crate::contents(&folder.join("model/model")), changed);
}

#[test]
fn both_files_draw_the_same_and_say_how_they_were_trained() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    train(folder, LORA, None).unwrap();
    let (base, files) = (folder.join("model/model"), folder.join("lora/model"));
    let [kohya, peft] = ["lora", "pytorch_lora_weights"].map(|name| files.join(format!("{name}.safetensors")));
    let plain = draw(&base, None);
    assert_eq!(draw(&base, Some((&kohya, 0.0))), plain);
    let changed = draw(&base, Some((&kohya, 1.0)));
    assert_ne!(changed, plain);
    assert_eq!(draw(&base, Some((&peft, 1.0))), changed);
    assert_eq!(draw(&base, Some((&files, 1.0))), changed);

    let weights = Weights::in_file(&kohya).unwrap();
    let metadata = weights.metadata();
    for (key, expected) in [
        ("ss_network_module", "networks.lora"),
        ("ss_network_dim", "2"),
        ("ss_network_alpha", "1"),
        ("ss_network_args", r#"{"conv_alpha":"1","conv_dim":"2"}"#),
        ("ss_output_name", "lora"),
        ("ss_resolution", "(16, 16)"),
        ("ss_num_train_images", "6"),
        ("ss_seed", "4"),
    ] {
        assert_eq!(metadata[key], expected, "{key}");
    }
    let name = "lora_te_text_model_encoder_layers_1_mlp_fc2.lora_down.weight";
    assert_eq!(weights.shape(name), Some(&[2, 16][..]));
    assert_eq!(weights.read("lora_unet_mid_block_attentions_0_proj_in.alpha").unwrap(), [1.0]);
}

#[test]
fn every_kind_is_trained_and_drawn_with() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    let base = folder.join("model/model");
    for (kind, has_peft) in [("dora", true), ("loha", false), ("lokr", false)] {
        let text = LORA
            .replace("rank = 2", &format!("rank = 2\nkind = \"{kind}\""))
            .replace("OUT/lora", &format!("OUT/{kind}"));
        train(folder, &text, None).unwrap();
        let files = folder.join(kind).join("model");
        assert_eq!(files.join("pytorch_lora_weights.safetensors").exists(), has_peft, "{kind}");
        assert_ne!(draw(&base, Some((&files.join("lora.safetensors"), 1.0))), draw(&base, None), "{kind}");
    }
}

#[test]
fn images_of_folders_with_numbers_are_repeated_and_captioned_by_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    train_model(folder);
    for (i, name) in ["3_red house/a", "3_red house/b", "other/c"].into_iter().enumerate() {
        let file = folder.join("images").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        write_image(&file.with_extension("png"), 50 * i as u8);
    }
    fs::write(folder.join("images/other/c.txt"), "a boat, blue, small").unwrap();
    let data = "folder = \"OUT/images\"\nfolder_repeats = true\nflip = true\ntrigger = \"pqr\"\nshuffle_tags = true";
    let text = LORA.replace("scenes = 6", data).replace("style = \"pencil\"", "keep_tags = 1");
    assert_eq!(train(folder, &text, None).unwrap(), [""; 0]);
    let weights = Weights::in_file(&folder.join("lora/model/lora.safetensors")).unwrap();
    assert_eq!(weights.metadata()["ss_num_train_images"], "14");
    let tags: serde_json::Value = serde_json::from_str(&weights.metadata()["ss_tag_frequency"]).unwrap();
    assert_eq!(tags["images"], serde_json::json!({ "pqr": 6, "red house": 4, "a boat": 2, "blue": 2, "small": 2 }));
}

#[test]
fn what_is_wrong_with_a_recipe_of_a_lora_is_named() {
    let folder = tempfile::tempdir().unwrap();
    train_model(folder.path());
    for (from, to, expected) in [
        (
            "[lora]\nrank = 2\nalpha = 1\ntargets = \"all\"\ndropout = 0.1\ntext_encoder = true",
            "",
            "no table [lora]: it has the rank",
        ),
        ("rank = 2", "rank = 0", "`lora.rank` is 0, expected at least 1"),
        ("rank = 2", "ranks = 2", "unknown field `ranks`"),
        ("rank = 2", "rank = 100000000000", "[lora]: training "),
        ("alpha = 1", "alpha = -1", "`lora.alpha` is -1, expected a number above 0"),
        ("targets = \"all\"", "targets = \"some\"", "unknown variant `some`, expected one of `attention`"),
        ("dropout = 0.1", "dropout = 1", "`lora.dropout` is 1, expected a number from 0 to below 1"),
        ("start = \"OUT/model/model\"", "", "`start` is missing: name the folder of the model"),
        ("train = \"lora\"", "train = \"text-to-image\"", "[lora] is not used in this training: remove it"),
        ("style = \"pencil\"", "style = \"oil\"", "unknown variant `oil`"),
        ("scenes = 6", "folder = \"OUT\"", "`data.style` needs `data.scenes`"),
        ("style = \"pencil\"", "folder_repeats = true", "`data.folder_repeats` needs `data.folder`"),
        ("style = \"pencil\"", "keep_tags = 1", "`data.keep_tags` needs `data.shuffle_tags`"),
        ("size = 16", "size = 18", "`data.size` is 18, expected a multiple of 4"),
    ] {
        assert!(LORA.contains(from), "{from}");
        let error = train(folder.path(), &LORA.replace(from, to), None).unwrap_err();
        assert!(error.to_string().contains(expected), "{to}: {error}");
        assert!(!folder.path().join("lora").exists(), "{to}");
    }
}
