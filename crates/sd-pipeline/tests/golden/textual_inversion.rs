//! Images of new words, against diffusers: `golden/textual_inversion` in sd-golden.

use std::path::PathBuf;

use burn::tensor::Device;
use half::f16;
use sd_golden::{Kind, TinyModel, data, difference, noise, write_tensors};
use sd_pipeline::{DType, Model, Pipeline, TextualInversion};

use crate::five_steps;

fn file(name: &str) -> PathBuf {
    data().join("textual_inversion").join(name)
}

/// Vectors seeded by their name.
fn vectors(name: &str, shape: [usize; 2]) -> Vec<f32> {
    let z = noise(&format!("textual_inversion/{name}"), shape, &Device::flex()).into_data();
    z.try_to_vec().unwrap().into_iter().map(|z: f32| f16::from_f32(0.3 * z).to_f32()).collect()
}

fn check(kind: Kind, inversions: &[TextualInversion]) {
    let tiny = TinyModel::new(kind);
    let mut model = Model::open(tiny.path()).unwrap();
    inversions.iter().for_each(|inversion| model.add_word(inversion).unwrap());
    let request = five_steps::request("a red <house> by the sea, <Cat>", if kind == Kind::Sdxl { 5.0 } else { 7.5 });
    let found = Pipeline::load(model, &Device::flex(), DType::F32).unwrap().draw(&request).unwrap().image.rgb;
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
    let values = vectors("tree", [2, 32]);
    write_tensors(&[("emb_params".to_string(), (vec![2, 32], values.clone()))].into(), &nameless);
    let tree = TextualInversion::open(&nameless).unwrap();
    assert_eq!((tree.word.as_str(), &tree.vectors[0]), ("tree", &(values, 32)));
    assert_eq!(tree.unread, [""; 0]);
}

#[test]
fn other_contents_of_a_file_are_reported_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cat.safetensors");
    let tensor = |key: &str, shape: &[usize]| (key.to_string(), (shape.to_vec(), vec![0.5; shape.iter().product()]));
    let open = |keys: &[(&str, &[usize])]| {
        write_tensors(&keys.iter().map(|(key, shape)| tensor(key, shape)).collect(), &path);
        TextualInversion::open(&path)
    };
    let vectors: &[usize] = &[2, 8];
    for (keys, word, widths, unread) in [
        (&[("clip_g", vectors), ("clip_l", &[2, 4]), ("t5xxl", &[2, 16])][..], "cat", &[4, 8][..], &["t5xxl"][..]),
        (&[("clip_l", vectors)], "cat", &[8], &[]),
        (&[("text_encoders_0", &[2, 4]), ("text_encoders_1", vectors)], "cat", &[4, 8], &[]),
        (&[("<s0>", vectors), ("step", &[]), ("table", &[2, 2, 2])], "<s0>", &[8], &["step", "table"]),
        (&[("emb_params", vectors), ("emb_params_out", vectors)], "cat", &[8], &["emb_params_out"]),
        (&[("string_to_param.sks", vectors), ("string_to_token.sks", &[])], "sks", &[8], &[]),
    ] {
        let found = open(keys).unwrap();
        assert_eq!(found.word, word);
        assert_eq!(found.unread, unread);
        assert_eq!(found.vectors.iter().map(|(_, width)| *width).collect::<Vec<_>>(), widths);
    }
    for (keys, expected) in [
        (
            &[("<s0>", vectors), ("<s1>", vectors)][..],
            "it has 2 tensors of vectors, expected one, or clip_l and clip_g",
        ),
        (&[("step", &[1])], "it has 1 tensors, none of which holds the vectors of a word (step)"),
    ] {
        let error = open(keys).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn images_of_words_of_one_vector_and_of_three() {
    check(Kind::Sd1, &["diffusers.bin", "web.pt"].map(|name| TextualInversion::open(&file(name)).unwrap()));
}

/// The words of the golden image for XL, each written as files with these keys.
fn of_xl(files: &[&[(&str, &str)]]) -> Vec<TextualInversion> {
    let folder = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    for (word, count) in [("cat", 1), ("house", 3)] {
        for (i, keys) in files.iter().enumerate() {
            let path = folder.path().join(format!("{word}-{i}.safetensors"));
            let tensors = keys.iter().map(|(encoder, key)| {
                let width = if *encoder == "clip_l" { 32 } else { 40 };
                let values = vectors(&format!("{word}/{encoder}"), [count, width]);
                (key.replace("WORD", &format!("<{word}>")), (vec![count, width], values))
            });
            write_tensors(&tensors.collect(), &path);
            let inversion = TextualInversion::open(&path).unwrap();
            found.push(TextualInversion { word: format!("<{word}>"), ..inversion });
        }
    }
    found
}

#[test]
fn images_of_words_for_xls_two_encoders() {
    for files in [
        &[&[("clip_l", "clip_l"), ("clip_g", "clip_g")][..]][..],
        &[&[("clip_l", "text_encoders_0"), ("clip_g", "text_encoders_1")]],
        // A file for each, in any order.
        &[&[("clip_l", "WORD")], &[("clip_g", "WORD")]],
        &[&[("clip_g", "clip_g")], &[("clip_l", "clip_l")]],
    ] {
        check(Kind::Sdxl, &TextualInversion::joined(of_xl(files)));
    }
}

#[test]
fn half_a_word_for_xl_is_refused() {
    let [half, ..] = &of_xl(&[&[("clip_l", "WORD")]])[..] else { panic!("there are two") };
    let tiny = TinyModel::new(Kind::Sdxl);
    let error = Model::open(tiny.path()).unwrap().add_word(half).unwrap_err().to_string();
    assert!(
        error.contains("[32] wide, but this model's text encoders are [32, 40]; give the file for the other"),
        "{error}"
    );
    assert!(error.contains("`embedding` FILE:<cat>"), "{error}");
}

#[test]
fn words_for_other_models_are_refused_and_change_nothing() {
    let tiny = TinyModel::new(Kind::Sdxl);
    let mut model = Model::open(tiny.path()).unwrap();
    let cat = TextualInversion::open(&file("diffusers.bin")).unwrap();
    let wide = TextualInversion { vectors: vec![(vec![0.0; 48], 48)], ..cat.clone() };
    let error = model.add_word(&wide).unwrap_err().to_string();
    assert!(
        error.contains("[48] wide, but this model's text encoders are [32, 40]; is it for a model of another"),
        "{error}"
    );
    let both =
        TextualInversion { word: "the</w>".into(), vectors: vec![(vec![0.0; 32], 32), (vec![0.0; 40], 40)], ..cat };
    let error = model.add_word(&both).unwrap_err().to_string();
    assert!(error.contains("is a word of the tokenizer already"), "{error}");
    model.add_word(&TextualInversion { word: "<cat>".into(), ..both }).unwrap();
}
