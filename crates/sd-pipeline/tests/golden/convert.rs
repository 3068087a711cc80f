//! Converts from one layout to the other and back: the same tensors bit for bit, and the same images at every stage.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use half::f16;
use sd_golden::{Kind, SingleTensor, TinyModel, save_single, save_torch};
use sd_pipeline::{Choices, DType, Image, Model, ModelError, Plan, Prediction, Request, convert};
use sd_weights::single_file::Family;
use sd_weights::{Dtype, Form, Weights, WeightsError};
use serde_json::Value;

use crate::{single, small};

fn draw(path: &Path) -> Image {
    small::draw(Model::open(path).unwrap())
}

fn converted(from: &Path, to: &Path, dtype: Option<DType>) -> Result<Vec<String>, ModelError> {
    let form = dtype.map(DType::float).into();
    convert(from, to, form, &Choices::default(), &mut |_| ControlFlow::Continue(()))
}

fn describe(path: &Path) -> String {
    Plan::new(&Model::open(path).unwrap(), &Request::new("a house")).unwrap().parameters().to_string()
}

/// Type, shape and values of every tensor.
fn tensors(weights: &Weights) -> BTreeMap<String, (Dtype, Vec<usize>, Vec<u32>)> {
    let tensor = |key: &str| {
        let values = weights.read(key).unwrap().into_iter().map(f32::to_bits).collect();
        (key.to_string(), (weights.dtype(key).unwrap(), weights.shape(key).unwrap().to_vec(), values))
    };
    weights.keys().map(tensor).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[track_caller]
fn check_round_trip(family: Family) {
    let tiny = TinyModel::new(Kind::Conventional(family));
    let (folder, first) = single(&tiny.single_tensors());
    let path = |name: &str| folder.path().join(name);
    let expected = draw(tiny.path());

    let notes = converted(&first, &path("there"), None).unwrap();
    assert_eq!(notes.len(), usize::from(family == Family::Sd2), "{notes:?}");
    assert!(draw(&path("there")) == expected, "{family:?}: another image from the folder");
    converted(&path("there"), &path("back.safetensors"), None).unwrap();
    assert!(draw(&path("back.safetensors")) == expected, "{family:?}: another image from the single file");
    converted(&path("back.safetensors"), &path("again"), None).unwrap();
    converted(&path("there"), &path("copied"), None).unwrap();
    for stage in ["there", "back.safetensors", "again", "copied"] {
        assert_eq!(describe(&path(stage)), describe(&first), "{stage}");
    }

    // The first file has unused tensors; all others come back unchanged.
    let [first, back] = [&first, &path("back.safetensors")].map(|file| tensors(&Weights::in_file(file).unwrap()));
    for (key, tensor) in back.iter().filter(|(key, _)| *key != "v_pred") {
        assert!(Some(tensor) == first.get(key), "{key}: {:?}", tensor.1);
    }
    let unread = |key: &str| {
        let parts = ["betas", "model_ema", "position_ids", "resblocks.23", "logit_scale"];
        parts.iter().any(|part| key.contains(part)) || (family == Family::Sd2 && key.ends_with("text_projection"))
    };
    let lost: Vec<_> = first.keys().filter(|key| !back.contains_key(*key) && !unread(key)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let networks = ["unet", "vae"].map(|part| (part, "diffusion_pytorch_model"));
    for (part, stem) in networks.into_iter().chain(family.text_encoders().iter().map(|part| (*part, "model"))) {
        let of = |stage: &str| tensors(&Weights::in_folder(&path(stage).join(part), stem).unwrap());
        assert!(of("there") == of("again") && of("there") == of("copied"), "{part}");
    }
    let names = names(folder.path());
    assert_eq!(names, ["again", "back.safetensors", "copied", "model.safetensors", "there"]);
}

#[test]
fn models_of_1_x_come_back_bit_for_bit() {
    check_round_trip(Family::Sd1);
}

#[test]
fn models_of_2_x_come_back_bit_for_bit() {
    check_round_trip(Family::Sd2);
}

#[test]
fn models_of_xl_come_back_bit_for_bit() {
    check_round_trip(Family::Xl);
}

#[test]
fn models_of_the_refiner_come_back_bit_for_bit() {
    check_round_trip(Family::XlRefiner);
}

#[test]
fn a_pickle_becomes_a_folder() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let folder = tempfile::tempdir().unwrap();
    let [file, out] = ["model.ckpt", "model"].map(|name| folder.path().join(name));
    save_torch(&tiny.single_tensors(), 470_000, &file);
    converted(&file, &out, None).unwrap();
    assert!(draw(&out) == draw(tiny.path()));
}

/// The shapes of 1×1 convolutions and matrices, which diffusers distinguishes and `sd` does not.
#[test]
fn projections_have_the_shapes_of_the_published_family() {
    for (family, dimensions) in [(Family::Sd1, 4), (Family::Sd2, 2), (Family::Xl, 2)] {
        let tiny = TinyModel::new(Kind::Conventional(family));
        let folder = tempfile::tempdir().unwrap();
        let [file, out] = ["model.safetensors", "model"].map(|name| folder.path().join(name));
        converted(tiny.path(), &file, None).unwrap();
        converted(tiny.path(), &out, None).unwrap();
        let weights = |part: &str| Weights::in_folder(&out.join(part), "diffusion_pytorch_model").unwrap();
        let unet = weights("unet");
        let linear: Vec<_> = unet.keys().filter(|key| key.ends_with("proj_in.weight")).collect();
        assert!(!linear.is_empty() && linear.iter().all(|key| unet.shape(key).unwrap().len() == dimensions));
        let config: Value = serde_json::from_slice(&std::fs::read(out.join("unet/config.json")).unwrap()).unwrap();
        assert_eq!(config["use_linear_projection"], dimensions == 2);
        let query = "encoder.mid_block.attentions.0.to_q.weight";
        assert_eq!(weights("vae").shape(query), Some(&[64, 64][..]));
        let single = Weights::in_file(&file).unwrap();
        assert_eq!(single.shape("first_stage_model.encoder.mid.attn_1.q.weight"), Some(&[64, 64, 1, 1][..]));
    }
}

#[test]
fn the_schedulers_facts_about_the_training_come_back() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Xl));
    let mut tensors = tiny.single_tensors();
    let marker = |key: &str| SingleTensor { key: key.into(), shape: vec![0], numbers: Vec::new() };
    tensors.extend(["v_pred", "ztsnr"].map(marker));
    let (folder, file) = single(&tensors);
    let [out, back] = ["model", "back.safetensors"].map(|name| folder.path().join(name));
    converted(&file, &out, None).unwrap();
    converted(&out, &back, None).unwrap();
    let back_weights = Weights::in_file(&back).unwrap();
    assert!(["v_pred", "ztsnr"].iter().all(|key| back_weights.shape(key) == Some(&[0])));
    assert!(draw(&out) == draw(&file) && draw(&back) == draw(&file));

    // A 2.x model that predicts the noise would silently be taken for the other kind.
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd2));
    let back = folder.path().join("eps.safetensors");
    let eps = Choices { prediction: Some(Prediction::Eps), ..Choices::default() };
    convert(tiny.path(), &back, Form::Own, &eps, &mut |_| ControlFlow::Continue(())).unwrap();
    let model = Model::open(&back).unwrap();
    assert_eq!((model.summary().prediction, model.notes()), ("eps", &[][..]));
}

#[test]
fn weights_are_cast_and_those_that_overflow_are_refused_by_name() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let mut tensors = tiny.single_tensors();
    let (folder, file) = single(&tensors);
    let path = |name: &str| folder.path().join(name);
    for (dtype, expected) in [(DType::F32, Dtype::F32), (DType::BF16, Dtype::BF16), (DType::F16, Dtype::F16)] {
        let out = path(&format!("{dtype:?}.safetensors"));
        converted(&file, &out, Some(dtype)).unwrap();
        let weights = Weights::in_file(&out).unwrap();
        assert!(weights.keys().all(|key| weights.dtype(key) == Some(expected)));
    }
    converted(&path("F32.safetensors"), &path("halves.safetensors"), Some(DType::F16)).unwrap();
    assert_eq!(std::fs::read(path("halves.safetensors")).unwrap(), std::fs::read(path("F16.safetensors")).unwrap());
    let before = names(folder.path());
    let conv = tensors.iter_mut().find(|tensor| tensor.key.ends_with("input_blocks.0.0.weight")).unwrap();
    conv.numbers[0] = f16::INFINITY;
    save_single(&tensors, &file);
    for out in ["new", "new.safetensors"] {
        let error = converted(&file, &path(out), None).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ModelError::Weights(WeightsError::NotFinite { .. })), "{text}");
        assert!(text.contains("conv_in.weight") || text.contains("input_blocks.0.0.weight"), "{text}");
    }
    assert_eq!(names(folder.path()), before);
}

#[test]
fn stopping_leaves_nothing() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let folder = tempfile::tempdir().unwrap();
    for out in ["model", "model.safetensors"] {
        let out = folder.path().join(out);
        let mut tensors = 0;
        let result = convert(tiny.path(), &out, Form::Own, &Choices::default(), &mut |written| {
            tensors += 1;
            assert!(written.done > 0 && written.done < written.total);
            if tensors == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(result, Err(ModelError::Cancelled { .. })), "{result:?}");
    }
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn models_that_a_single_file_cannot_describe_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("model.safetensors");
    #[track_caller]
    fn refused(model: &Path, out: &Path, expected: &str) {
        let error = converted(model, out, None).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(model.to_str().unwrap()), "{error}");
        assert!(!out.exists());
    }
    // Norms with another number of groups, and another vocabulary.
    refused(TinyModel::new(Kind::Sd1).path(), &out, "its U-Net");
    refused(TinyModel::ddpm().path(), &out, "reads no text");
    let change = |tiny: &TinyModel, file: &str, key: &str, value: Value| {
        let file = tiny.path().join(file);
        let mut json: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        json[key] = value;
        std::fs::write(file, json.to_string()).unwrap();
    };
    let changes: [(&str, &str, Value, &str); 6] = [
        ("scheduler/scheduler_config.json", "beta_end", 0.02.into(), "its noise schedule is not"),
        ("scheduler/scheduler_config.json", "prediction_type", "sample".into(), "prediction, the image itself, is not"),
        ("vae/config.json", "scaling_factor", 0.5.into(), "its autoencoder's config is not"),
        ("text_encoder/config.json", "layer_norm_eps", 1e-4.into(), "its text encoder's config is not"),
        ("tokenizer/tokenizer_config.json", "pad_token", "!".into(), "padding is not"),
        ("model_index.json", "force_zeros_for_empty_prompt", true.into(), "empty negative prompt is not"),
    ];
    for (file, key, value, expected) in changes {
        let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
        change(&tiny, file, key, value.clone());
        if file.starts_with("tokenizer") {
            change(&tiny, "tokenizer/special_tokens_map.json", key, value);
        }
        refused(tiny.path(), &out, expected);
        // A folder can describe all of it.
        let copy = folder.path().join("copy");
        converted(tiny.path(), &copy, None).unwrap();
        std::fs::remove_dir_all(copy).unwrap();
    }
}
