use std::fs;
use std::path::Path;

use burn::tensor::Device;
use sd_golden::{Kind, TinyModel};
use sd_image::Image;
use sd_pipeline::{DType, Lora, Model, Pipeline, Request};
use sd_weights::Weights;

use crate::estimate::{estimated, values};
use crate::{train, train_and_resume};

/// A LoRA of the tiny XL model, of images of two proportions.
const LORA: &str = r#"
train = "lora"
output = "OUT/lora"
start = "START"
seed = 4
[lora]
rank = 2
targets = "all"
text_encoder = true
[data]
folder = "OUT/images"
size = 64
buckets = true
flip = true
[training]
steps = 4
batch = 2
rate = 1e-2
checkpoint_every = 2
[samples]
count = 0
"#;

/// Makes the images, and returns the recipe.
fn begun(folder: &Path, model: &TinyModel) -> String {
    fs::create_dir(folder.join("images")).unwrap();
    for (i, (width, height)) in [(80, 80), (150, 70)].into_iter().enumerate() {
        let image = Image { width, height, rgb: [50 * i as u8, 0, 200].repeat(width * height) };
        image.save(folder.join(format!("images/{i}.png"))).unwrap();
        fs::write(folder.join(format!("images/{i}.txt")), format!("a house, {i}")).unwrap();
    }
    LORA.replace("START", &model.path().display().to_string())
}

fn weights(folder: &Path) -> Vec<(String, Vec<f32>)> {
    let weights = Weights::in_file(&folder.join("model/lora.safetensors")).unwrap();
    weights.keys().map(|key| (key.to_string(), weights.read(key).unwrap())).collect()
}

fn draw(model: &Path, lora: Option<&Path>) -> Image {
    let mut model = Model::open(model).unwrap();
    if let Some(file) = lora {
        assert_eq!(model.merge(Lora::open(file, 1.0).unwrap()).unwrap().unmatched, [""; 0]);
    }
    let pipeline = Pipeline::load(model, &Device::flex(), DType::F32).unwrap();
    let size = Some(64);
    pipeline.draw(&Request { steps: Some(2), width: size, height: size, ..Request::new("a house") }).unwrap().image
}

#[test]
fn a_lora_for_xl_resumes_bit_for_bit_and_both_files_draw_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, model) = (folder.path(), TinyModel::new(Kind::Sdxl));
    let [whole, stopped] = train_and_resume(folder, &begun(folder, &model), "lora", 3);
    assert!(weights(&stopped) == weights(&whole));
    let names: Vec<String> = weights(&whole).into_iter().map(|(name, _)| name).collect();
    for (start, count) in [("lora_te1_text_model_", 54), ("lora_te2_text_model_", 54)] {
        assert_eq!(names.iter().filter(|name| name.starts_with(start)).count(), count, "{start}");
    }
    assert!(names.contains(&"lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q.lora_up.weight".to_string()));
    assert!(names.iter().all(|name| !name.contains("down_blocks")));
    let [kohya, peft] = ["lora", "pytorch_lora_weights"].map(|name| whole.join(format!("model/{name}.safetensors")));
    assert_eq!(Weights::in_file(&kohya).unwrap().metadata()["ss_base_model_version"], "sdxl_base_v1-0");
    let changed = draw(model.path(), Some(&kohya));
    assert_ne!(changed, draw(model.path(), None));
    assert_eq!(draw(model.path(), Some(&peft)), changed);
}

#[test]
fn a_dry_run_counts_what_a_lora_for_xl_trains() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, model) = (folder.path(), TinyModel::new(Kind::Sdxl));
    let text = begun(folder, &model);
    let found = estimated(folder, &text);
    // Two images and their mirrored ones.
    assert_eq!((found.images, found.steps), (4, 4));
    train(folder, &text, None).unwrap();
    assert_eq!(found.trained, values(&folder.join("lora/model"), &["pytorch_lora_weights.safetensors"]));
}

/// The sizes tell apart images that become the same.
#[test]
fn encoded_captions_and_sizes_of_images_reach_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, model) = (folder.path(), TinyModel::new(Kind::Sdxl));
    let text = begun(folder, &model).replace("text_encoder = true", "").replace("buckets = true", "");
    fs::remove_file(folder.join("images/1.png")).unwrap();
    train(folder, &text, None).unwrap();
    let first = weights(&folder.join("lora"));
    let larger = Image { width: 160, height: 160, rgb: [0, 0, 200].repeat(160 * 160) };
    larger.save(folder.join("images/0.png")).unwrap();
    train(folder, &text.replace("OUT/lora", "OUT/larger"), None).unwrap();
    assert!(first != weights(&folder.join("larger")));
}

#[test]
fn other_trainings_of_xl_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, model) = (folder.path(), TinyModel::new(Kind::Sdxl));
    let text = begun(folder, &model);
    let table = "[lora]\nrank = 2\ntargets = \"all\"\ntext_encoder = true\n";
    let whole = text.replace("\"lora\"", "\"text-to-image\"").replace(table, "");
    let error = train(folder, &whole, None).unwrap_err().to_string();
    assert!(error.contains("can be trained by `train = \"lora\"` only"), "{error}");
    let refiner = TinyModel::new(Kind::Refiner);
    let text = LORA.replace("START", &refiner.path().display().to_string());
    let error = train(folder, &text, None).unwrap_err().to_string();
    assert!(error.contains("XL's refiner cannot be trained"), "{error}");
}
