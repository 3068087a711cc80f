//! Single files: the same images as from a folder with the same weights, and messages about other files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use half::f16;
use safetensors::Dtype;
use safetensors::tensor::{TensorView, serialize_to_file};
use sd_clip::ClipTextConfig;
use sd_golden::{Kind, SingleTensor, TinyModel, data, listed, save_torch, write_hollow};
use sd_model::config::{clip_config, inferred, unet_config, vae_config};
use sd_pipeline::{Choices, ExtraInput, Model, ModelError, Plan, Prediction, Request, WeightSet};
use sd_unet::UnetConfig;
use sd_vae::AutoencoderKlConfig;
use sd_weights::single_file::{Family, SingleFile, UnetPlan, open_clip_with_projection, unet, vae, vae_levels};
use sd_weights::{View, WeightsError};
use tempfile::TempDir;

use crate::small::draw;
use crate::{renamed, single};

fn open(path: &Path) -> Model {
    Model::open(path).unwrap()
}

fn marker(key: &str) -> SingleTensor {
    SingleTensor { key: key.into(), shape: vec![0], numbers: Vec::new() }
}

#[track_caller]
fn check_family(family: Family) {
    let tiny = TinyModel::new(Kind::Conventional(family));
    let tensors = tiny.single_tensors();
    let expected = draw(open(tiny.path()));
    let (folder, file) = single(&tensors);
    assert!(draw(open(&file)) == expected, "{family:?}: another image from safetensors");
    // The file's name does not matter.
    let torch = folder.path().join("torch.safetensors");
    save_torch(&tensors, 470_000, &torch);
    assert!(draw(open(&torch)) == expected, "{family:?}: another image from a PyTorch file");
    let settings = |path: &Path| Plan::new(&open(path), &Request::new("a house")).unwrap().parameters();
    assert_eq!(settings(&file), settings(tiny.path()));
}

#[test]
fn single_files_of_1_x_draw_as_their_folder() {
    check_family(Family::Sd1);
}

#[test]
fn single_files_of_2_x_draw_as_their_folder() {
    check_family(Family::Sd2);
}

#[test]
fn single_files_of_xl_draw_as_their_folder() {
    check_family(Family::Xl);
}

#[test]
fn single_files_of_the_refiner_draw_as_their_folder() {
    check_family(Family::XlRefiner);
}

#[test]
fn a_training_checkpoint_has_two_sets_of_weights() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let expected = draw(open(tiny.path()));
    // The average has the folder's weights; the last weights differ.
    let mut tensors = tiny.single_tensors();
    for i in 0..tensors.len() {
        if let Some(name) = tensors[i].key.strip_prefix("model.diffusion_model.") {
            let key = format!("model_ema.diffusion_model{}", name.replace('.', ""));
            let average = SingleTensor { key, ..tensors[i].clone() };
            tensors[i].numbers.iter_mut().for_each(|n| *n = f16::from_f32(n.to_f32() * 0.5));
            tensors.push(average);
        }
    }
    let (_folder, file) = single(&tensors);
    let ema = Choices { average: WeightSet::Ema, ..Choices::default() };
    assert!(draw(Model::open_with(&file, &ema).unwrap()) == expected);
    assert!(draw(open(&file)) != expected);
    // Without the last weights, the average is used; some programs keep the dots.
    for in_file in ["model_ema.diffusion_modelinput_blocks00", "model_ema.diffusion_model.input_blocks.0.0."] {
        let name = |key: &str| key.replace("model_ema.diffusion_modelinput_blocks00", in_file);
        let (_folder, file) = single(&renamed(&tensors, |key| (!key.starts_with("model.")).then(|| name(key))));
        assert!(draw(open(&file)) == expected);
        assert!(draw(Model::open_with(&file, &ema).unwrap()) == expected);
    }
    tensors.retain(|tensor| !tensor.key.starts_with("model_ema"));
    let (_folder, file) = single(&tensors);
    let error = Model::open_with(&file, &ema).unwrap_err().to_string();
    assert!(error.contains("no moving average"), "{error}");
    let error = Model::open_with(tiny.path(), &ema).unwrap_err();
    assert!(error.is_usage(), "{error}");
}

/// The same file with metadata.
fn with_metadata(tensors: &[SingleTensor], metadata: &[(&str, &str)], file: &Path) {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|t| t.numbers.iter().flat_map(|n| n.to_le_bytes()).collect()).collect();
    let view = |(tensor, bytes): (&SingleTensor, _)| {
        (tensor.key.clone(), TensorView::new(Dtype::F16, tensor.shape.clone(), bytes).unwrap())
    };
    let views = tensors.iter().zip(bytes.iter().map(Vec::as_slice)).map(view);
    let metadata = metadata.iter().map(|(key, value)| ((*key).to_string(), (*value).to_string())).collect();
    serialize_to_file(views, Some(metadata), file).unwrap();
}

#[test]
fn the_metadata_of_two_programs_name_the_prediction() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd2));
    let (folder, tensors) = (tempfile::tempdir().unwrap(), tiny.single_tensors());
    let file = folder.path().join("model.safetensors");
    let open_as = |metadata: &[(&str, &str)], prediction| {
        with_metadata(&tensors, metadata, &file);
        Model::open_with(&file, &Choices { prediction, ..Choices::default() })
    };
    let [eps, v] = [Prediction::Eps, Prediction::V].map(|prediction| draw(open_as(&[], Some(prediction)).unwrap()));
    for (key, value, expected) in [
        ("modelspec.predict_key", "epsilon", &eps),
        ("modelspec.predict_key", "v", &v),
        ("modelspec.prediction_type", "epsilon", &eps),
        ("modelspec.architecture", "stable-diffusion-v2-512", &eps),
        ("modelspec.architecture", "stable-diffusion-v2-768-v", &v),
        ("modelspec.prediction_type", "v", &v),
    ] {
        let model = open_as(&[(key, value)], None).unwrap();
        assert_eq!(model.notes(), [""; 0], "{key} {value}");
        assert!(draw(model) == *expected, "{key} {value}");
    }
    let unknown = [("modelspec.predict_key", "flow")];
    let error = open_as(&unknown, None).unwrap_err().to_string();
    assert!(error.contains("modelspec.predict_key is \"flow\"") && error.contains("`prediction`"), "{error}");
    assert!(draw(open_as(&unknown, Some(Prediction::V)).unwrap()) == v);
}

#[test]
fn the_prediction_comes_from_a_marker_or_a_flag_or_is_assumed_with_a_note() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd2));
    let mut tensors = tiny.single_tensors();
    let (folder, file) = single(&tensors);
    let choose = |prediction| Choices { prediction: Some(prediction), ..Choices::default() };
    let assumed = open(&file);
    assert!(assumed.notes()[0].contains("v is assumed"), "{:?}", assumed.notes());
    let assumed = draw(assumed);
    let [eps, v] = [Prediction::Eps, Prediction::V].map(|prediction| {
        let model = Model::open_with(&file, &choose(prediction)).unwrap();
        assert_eq!(model.notes(), [""; 0]);
        draw(model)
    });
    assert!(assumed == v && v != eps);
    assert!(draw(Model::open_with(tiny.path(), &choose(Prediction::Eps)).unwrap()) == eps, "of a folder, too");
    // The step of the published base model, which predicts the noise at 512 pixels: here 64 latents with a factor of 2.
    let base = folder.path().join("base.ckpt");
    save_torch(&tensors, 875_000, &base);
    assert!(draw(open(&base)) == eps);
    assert!(Plan::new(&open(&base), &Request::new("")).unwrap().parameters().get("Size") == Some("128x128"));

    tensors.push(marker("v_pred"));
    let (_folder, file) = single(&tensors);
    let marked = open(&file);
    assert_eq!(marked.notes(), [""; 0]);
    assert!(draw(marked) == v);
}

#[test]
fn markers_count_in_every_family() {
    let mut tensors = TinyModel::new(Kind::Conventional(Family::Xl)).single_tensors();
    let (_folder, file) = single(&tensors);
    let plain = draw(open(&file));
    tensors.push(marker("v_pred"));
    let (_folder, file) = single(&tensors);
    let v = draw(open(&file));
    tensors.push(marker("ztsnr"));
    let (_folder, file) = single(&tensors);
    let zero_snr = draw(open(&file));
    assert!(plain != v && v != zero_snr);
}

/// A file with the header of the published checkpoint in `list`; its values are a hole.
pub fn hollow(list: &str, change: impl Fn(&mut BTreeMap<String, Vec<usize>>)) -> (TempDir, PathBuf) {
    let mut shapes = listed("single_files", list);
    change(&mut shapes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    write_hollow(&shapes, &path);
    (folder, path)
}

/// `keys/make.py` and `single_files/make.py` in sd-golden wrote the lists with diffusers, transformers and the definitions
/// of the original programs.
#[track_caller]
fn check_names(list: &str, unet: &str, text: &[&str]) {
    let (_folder, file) = hollow(list, |_| {});
    let single = SingleFile::open(&file, WeightSet::Last).unwrap();
    let parts = [(&single.unet, unet), (single.vae.as_ref().unwrap(), "vae")];
    assert_eq!(single.text.len(), text.len());
    for (weights, list) in parts.into_iter().chain(single.text.iter().zip(text.iter().copied())) {
        // A 1×1 convolution may fill a matrix.
        let matrix = |shape: &[usize]| if let [o, i, 1, 1] = shape { vec![*o, *i] } else { shape.to_vec() };
        let expected: Vec<_> = listed("keys", list).into_iter().map(|(key, shape)| (key, matrix(&shape))).collect();
        let found = weights.keys().filter(|key| !key.ends_with("position_ids"));
        let found: Vec<_> = found.map(|key| (key.to_string(), matrix(weights.shape(key).unwrap()))).collect();
        let differing: Vec<_> = found.iter().filter(|x| !expected.contains(x)).take(3).collect();
        let missing: Vec<_> = expected.iter().filter(|x| !found.contains(x)).take(3).collect();
        assert!(differing.is_empty() && missing.is_empty(), "{list}: unknown {differing:?}, missing {missing:?}");
    }
}

#[test]
fn published_checkpoints_have_the_names_of_the_diffusers_layout_after_reading() {
    check_names("single_sd15", "unet_sd15", &["text_encoder_sd15"]);
    check_names("single_sd21", "unet_sd21", &["text_encoder_sd21"]);
    check_names("single_sdxl", "unet_sdxl", &["text_encoder_sd15", "text_encoder_2_sdxl"]);
}

/// `single_files/make.py` in sd-golden wrote the list: it traced diffusers' conversion with values that are all different.
#[test]
fn every_tensor_is_made_from_the_same_tensor_as_in_diffusers() {
    let list = std::fs::read_to_string(data().join("single_files/views.txt")).unwrap();
    let lines: Vec<[&str; 3]> = list
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>().try_into().expect("a name, its source and the view of it"))
        .collect();
    let parts = ["model.diffusion_model.", "first_stage_model.", "conditioner.embedders.1.model."];
    for (i, prefix) in parts.into_iter().enumerate() {
        let of_part: Vec<_> =
            lines.iter().filter_map(|[key, source, view]| Some((*key, source.strip_prefix(prefix)?, *view))).collect();
        let keys = || of_part.iter().map(|(key, ..)| *key);
        let sources = || of_part.iter().map(|(_, source, _)| *source);
        let of_both = match i {
            0 => [UnetPlan::from_single(sources()), UnetPlan::from_diffusers(keys())].map(|plan| unet(&plan)),
            1 => [vae(vae_levels(sources())), vae(vae_levels(keys()))],
            _ => [open_clip_with_projection(3), open_clip_with_projection(3)],
        };
        for (key, source, view) in &of_part {
            let view = match *view {
                "whole" => View::Whole,
                "transposed" => View::Transposed,
                third => View::Third(third.parse().unwrap()),
            };
            for table in &of_both {
                assert!(table.to_diffusers(source).contains(&((*key).to_string(), view)), "{source} is not {key}");
                assert_eq!(table.to_single(key), Some(((*source).to_string(), view)));
            }
        }
    }
}

#[test]
fn inferred_configs_are_the_published_ones() {
    let check = |list: &str, unet: UnetConfig, vae: AutoencoderKlConfig, text: &[ClipTextConfig]| {
        let (_folder, file) = hollow(list, |_| {});
        let single = SingleFile::open(&file, WeightSet::Last).unwrap();
        assert_eq!(inferred::unet(&single.unet, single.family).unwrap().strictly(unet_config).unwrap().0, unet);
        let json = inferred::vae(single.vae.as_ref().unwrap(), single.family).unwrap();
        assert_eq!(json.strictly(vae_config).unwrap(), (vae, true));
        let is_open_clip = |i: usize| i == 1 || single.family == Family::Sd2;
        let found = (0..).zip(&single.text).map(|(i, weights)| {
            let (json, class) = inferred::text(weights, is_open_clip(i)).unwrap();
            clip_config(json, class).unwrap()
        });
        assert_eq!(found.collect::<Vec<_>>(), text);
    };
    let (sd, xl) = (AutoencoderKlConfig::sd(), AutoencoderKlConfig::sdxl());
    check("single_sd15", UnetConfig::sd1(), sd.clone(), &[ClipTextConfig::sd1()]);
    check("single_sd21", UnetConfig::sd2(), sd, &[ClipTextConfig::sd2()]);
    check("single_sdxl", UnetConfig::sdxl(), xl, &[ClipTextConfig::sd1(), ClipTextConfig::sdxl_2()]);
}

#[test]
fn published_checkpoints_draw_at_the_size_of_their_training() {
    for (list, size) in [("single_sd15", 512), ("single_sd21", 768), ("single_sdxl", 1024)] {
        let (_folder, file) = hollow(list, |_| {});
        let settings = Plan::new(&open(&file), &Request::new("")).unwrap().parameters();
        assert_eq!(settings.get("Size"), Some(format!("{size}x{size}").as_str()));
    }
}

#[track_caller]
pub fn refused(file: &Path, expected: &[&str]) {
    let error = Model::open(file).unwrap_err();
    assert!(matches!(error, ModelError::Weights(WeightsError::NotAModel { .. })), "{error}");
    let text = error.to_string();
    assert!(expected.iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn models_of_other_kinds_are_recognised_by_their_tensors() {
    let conv_in = "model.diffusion_model.input_blocks.0.0.weight";
    let with_channels = |list: &str, channels| hollow(list, |shapes| shapes.get_mut(conv_in).unwrap()[1] = channels);
    for (channels, expected) in [(7, "enlarges"), (12, "first convolution")] {
        let (_folder, file) = with_channels("single_sd15", channels);
        refused(&file, &[expected, "4 input channels", "9 (and a mask)"]);
    }
    for list in ["single_sd15", "single_sd21", "single_sdxl"] {
        for (channels, extra) in
            [(4, None), (5, Some(ExtraInput::Depth)), (8, Some(ExtraInput::Image)), (9, Some(ExtraInput::Mask))]
        {
            let (_folder, file) = with_channels(list, channels);
            assert_eq!(Model::open(&file).unwrap().extra_input(), extra, "{list} with {channels} channels");
        }
    }
    for (key, expected) in [
        ("model.diffusion_model.input_blocks.1.1.time_stack.0.norm1.weight", "video"),
        ("model.diffusion_model.joint_blocks.0.x_block.attn.proj.weight", "Stable Diffusion 3"),
        ("model.diffusion_model.double_blocks.0.img_attn.proj.weight", "Flux"),
        ("edm_mean", "Playground"),
        ("edm_vpred.sigma_max", "CosXL"),
    ] {
        let (_folder, file) = hollow("single_sdxl", |shapes| drop(shapes.insert(key.into(), vec![4])));
        refused(&file, &[expected]);
    }
    let (_folder, file) = hollow("single_sdxl", |shapes| shapes.retain(|key, _| !key.contains("embedders.1.")));
    refused(&file, &["XL without its second text encoder", "whole checkpoint"]);
    for (part, expected) in [("first_stage_model", "without its autoencoder"), ("cond_stage_model", "without its text")]
    {
        let (_folder, file) = hollow("single_sd15", |shapes| shapes.retain(|key, _| !key.starts_with(part)));
        refused(&file, &[expected, "whole checkpoint"]);
    }
}

#[test]
fn other_weights_are_recognised_by_their_tensors() {
    for (key, expected) in [
        ("lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight", "a LoRA"),
        ("unet.down_blocks.0.attentions.0.proj_in.lora_A.weight", "a LoRA"),
        ("emb_params", "embedding of new words"),
        ("control_model.input_blocks.0.0.weight", "ControlNet"),
        ("first_stage_model.decoder.up.0.block.0.conv1.weight", "an autoencoder"),
        ("decoder.layers.2.conv.0.weight", "an autoencoder"),
        ("down_blocks.0.resnets.0.conv1.weight", "the whole folder"),
        ("text_model.encoder.layers.0.mlp.fc1.weight", "a text encoder"),
        ("something.else", "a file with something.else"),
    ] {
        let tensor = SingleTensor { key: key.into(), shape: vec![1], numbers: vec![f16::ZERO] };
        let (_folder, file) = single(&[tensor]);
        refused(&file, &[expected]);
    }
    let (_folder, file) = single(&[]);
    refused(&file, &["no weights at all"]);
}
