//! Pictures of new words, against diffusers: `textual_inversion.py` wrote `data/textual_inversion/`.

use std::path::PathBuf;

use burn::tensor::Device;
use half::f16;
use sd_golden::{Kind, TinyModel, data, difference, noise, write_tensors};
use sd_pipeline::{DType, Model, TextualInversion};

use crate::five_steps;

fn file(name: &str) -> PathBuf {
    data().join("textual_inversion").join(name)
}

/// Vectors that their name is the seed of.
fn vectors(name: &str, shape: [usize; 2]) -> Vec<f32> {
    let z = noise(&format!("textual_inversion/{name}"), shape, &Device::flex()).into_data();
    z.try_to_vec().unwrap().into_iter().map(|z: f32| f16::from_f32(0.3 * z).to_f32()).collect()
}

fn check(kind: Kind, inversions: &[TextualInversion]) {
    let tiny = TinyModel::new(kind);
    let mut model = Model::open(tiny.path()).unwrap();
    inversions.iter().for_each(|inversion| model.add_word(inversion).unwrap());
    let request = five_steps::request("a red <house> by the sea, <Cat>", if kind == Kind::Sdxl { 5.0 } else { 7.5 });
    let found = model.load(&Device::flex(), DType::F32).unwrap().draw(&request).unwrap().image.rgb;
    let (mean, max) = difference(&found, &file(&format!("{}.png", kind.name())));
    assert!(mean <= 0.05 && max <= 2, "{}: mean {mean:.4}, largest {max}", kind.name());
}

#[test]
fn the_word_and_its_vectors_are_read_from_files_of_every_kind() {
    let folder = tempfile::tempdir().unwrap();
    let cat = TextualInversion::open(&file("diffusers.bin")).unwrap();
    assert_eq!((cat.word.as_str(), &cat.vectors[0]), ("<cat>", &(vectors("cat", [1, 32]), 32)));
    let house = TextualInversion::open(&file("web.pt")).unwrap();
    assert_eq!((house.word.as_str(), &house.vectors[0]), ("<house>", &(vectors("house", [3, 32]), 32)));
    let nameless = folder.path().join("tree.safetensors");
    let numbers = vectors("tree", [2, 32]);
    write_tensors(&[("emb_params".to_string(), (vec![2, 32], numbers.clone()))].into(), &nameless);
    let tree = TextualInversion::open(&nameless).unwrap();
    assert_eq!((tree.word.as_str(), &tree.vectors[0]), ("tree", &(numbers, 32)));
}

#[test]
fn pictures_of_words_of_one_vector_and_of_three() {
    check(Kind::Sd1, &["diffusers.bin", "web.pt"].map(|name| TextualInversion::open(&file(name)).unwrap()));
}

#[test]
fn pictures_of_words_for_xls_two_encoders() {
    let folder = tempfile::tempdir().unwrap();
    let inversions = [("cat", 1), ("house", 3)].map(|(word, count)| {
        let path = folder.path().join(format!("<{word}>.safetensors"));
        let tensors = [("clip_l", 32), ("clip_g", 40)].map(|(key, width)| {
            (key.to_string(), (vec![count, width], vectors(&format!("{word}/{key}"), [count, width])))
        });
        write_tensors(&tensors.into(), &path);
        TextualInversion::open(&path).unwrap()
    });
    check(Kind::Sdxl, &inversions);
}

#[test]
fn what_is_not_for_the_model_is_refused_and_changes_nothing() {
    let tiny = TinyModel::new(Kind::Sdxl);
    let mut model = Model::open(tiny.path()).unwrap();
    let cat = TextualInversion::open(&file("diffusers.bin")).unwrap();
    let error = model.add_word(&cat).unwrap_err().to_string();
    assert!(error.contains("[32] wide, but this model's text encoders are [32, 40]"), "{error}");
    let both =
        TextualInversion { word: "the</w>".into(), vectors: vec![(vec![0.0; 32], 32), (vec![0.0; 40], 40)], ..cat };
    let error = model.add_word(&both).unwrap_err().to_string();
    assert!(error.contains("is a word of the tokenizer already"), "{error}");
    model.add_word(&TextualInversion { word: "<cat>".into(), ..both }).unwrap();
}
