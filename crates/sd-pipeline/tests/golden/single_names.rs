//! Single files whose tensors have other names or are missing: the same images, and messages with the file's own keys.

use std::path::Path;

use half::f16;
use sd_golden::{Kind, SingleTensor, TinyModel};
use sd_pipeline::{Choices, DType, Device, Model, ModelError, Pipeline};
use sd_weights::Weights;
use sd_weights::single_file::{Family, SingleFile, WeightSet};

use crate::single_file::{hollow, refused};
use crate::small::draw;
use crate::{renamed, single};

fn open(path: &Path) -> Model {
    Model::open(path).unwrap()
}

fn open_with_vae(path: &Path, vae: &Path) -> Result<Model, ModelError> {
    Model::open_with(path, &Choices { vae: Some(vae.to_path_buf()), ..Choices::default() })
}

#[test]
fn the_names_of_an_average_are_those_of_the_weights() {
    for list in ["single_sd15", "single_sd21", "single_sdxl"] {
        let (_folder, file) = hollow(list, |_| {});
        let expected = SingleFile::open(&file, WeightSet::Last).unwrap().unet;
        let (_folder, file) = hollow(list, |shapes| {
            let unet = |key: &str| Some(key.strip_prefix("model.diffusion_model.")?.replace('.', ""));
            let average = |(key, shape): (String, Vec<usize>)| match unet(&key) {
                Some(name) => (format!("model_ema.diffusion_model{name}"), shape),
                None => (key, shape),
            };
            *shapes = std::mem::take(shapes).into_iter().map(average).collect();
        });
        let found = SingleFile::open(&file, WeightSet::Last).unwrap().unet;
        assert!(found.keys().eq(expected.keys()), "{list}");
        assert!(found.keys().all(|key| found.shape(key) == expected.shape(key)), "{list}");
    }
}

#[test]
fn a_file_without_its_autoencoder_draws_with_another() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Xl));
    let (expected, vae) = (draw(open(tiny.path())), tiny.path().join("vae"));
    let without = renamed(&tiny.single_tensors(), |key| (!key.starts_with("first_stage_model.")).then(|| key.into()));
    let (_folder, file) = single(&without);
    refused(&file, &["without its autoencoder", "`vae`", "whole checkpoint"]);
    for vae in [&vae, &vae.join("diffusion_pytorch_model.safetensors"), tiny.path()] {
        assert!(draw(open_with_vae(&file, vae).unwrap()) == expected);
    }
    std::fs::rename(&vae, tiny.path().join("moved")).unwrap();
    assert!(draw(open_with_vae(tiny.path(), &tiny.path().join("moved")).unwrap()) == expected, "of a folder, too");
}

#[test]
fn names_may_have_a_prefix() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let expected = draw(open(tiny.path()));
    for prefix in ["module.", "model.", "state_dict.ldm."] {
        let (_folder, file) = single(&renamed(&tiny.single_tensors(), |key| Some(format!("{prefix}{key}"))));
        assert!(draw(open(&file)) == expected, "{prefix}");
    }
}

#[test]
fn text_encoders_may_have_the_names_of_xls_program_or_of_transformers() {
    for (family, old, new) in [
        (Family::Sd1, "cond_stage_model.transformer.", "conditioner.embedders.0.transformer."),
        (Family::Sd2, "cond_stage_model.model.", "conditioner.embedders.0.model."),
    ] {
        let tiny = TinyModel::new(Kind::Conventional(family));
        let (_folder, file) = single(&renamed(&tiny.single_tensors(), |key| Some(key.replace(old, new))));
        assert!(draw(open(&file)) == draw(open(tiny.path())), "{family:?}");
    }
    let tiny = TinyModel::new(Kind::Conventional(Family::Xl));
    let mut tensors = tiny.single_tensors();
    tensors.retain(|tensor| !tensor.key.starts_with("conditioner.embedders.1."));
    let weights = Weights::in_file(&tiny.path().join("text_encoder_2/model.safetensors")).unwrap();
    tensors.extend(weights.keys().map(|key| SingleTensor {
        key: format!("conditioner.embedders.1.transformer.{key}"),
        shape: weights.shape(key).unwrap().to_vec(),
        numbers: weights.read(key).unwrap().into_iter().map(f16::from_f32).collect(),
    }));
    let (_folder, file) = single(&tensors);
    assert!(draw(open(&file)) == draw(open(tiny.path())));
}

#[test]
fn the_projection_of_xls_text_is_a_matrix_or_the_transposed_weight_of_a_layer() {
    const KEY: &str = "conditioner.embedders.1.model.text_projection";
    let tiny = TinyModel::new(Kind::Conventional(Family::Xl));
    let mut tensors = tiny.single_tensors();
    let projection = tensors.iter_mut().find(|tensor| tensor.key == KEY).unwrap();
    let (width, values) = (projection.shape[1], projection.numbers.clone());
    let transposed = (0..width).flat_map(|column| values.iter().copied().skip(column).step_by(width));
    projection.numbers = transposed.collect();
    projection.shape.reverse();
    projection.key = format!("{KEY}.weight");
    let (_folder, file) = single(&tensors);
    assert!(draw(open(&file)) == draw(open(tiny.path())));
    // Without it, the unprojected text would fit as well.
    tensors.retain(|tensor| !tensor.key.starts_with(KEY));
    let (_folder, file) = single(&tensors);
    let error = Model::open(&file).unwrap_err().to_string();
    assert!(error.contains(&format!("1 key missing ({KEY})")), "{error}");
}

#[test]
fn the_attention_of_an_autoencoder_has_many_names() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let expected = draw(open(tiny.path()));
    for names in [["norm", "to_q", "to_k", "to_v", "to_out.0"], ["group_norm", "query", "key", "value", "proj_attn"]] {
        let tensors = renamed(&tiny.single_tensors(), |key| {
            let Some((start, end)) = key.split_once(".attn_1.") else { return Some(key.into()) };
            let (module, kind) = end.split_once('.')?;
            let index = ["norm", "q", "k", "v", "proj_out"].iter().position(|name| *name == module)?;
            Some(format!("{start}.attn_1.{}.{kind}", names[index]))
        });
        let (_folder, file) = single(&tensors);
        assert!(draw(open(&file)) == expected, "{names:?}");
    }
}

#[test]
fn messages_name_the_keys_of_the_file() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Xl));
    let load = |change: &dyn Fn(&mut Vec<SingleTensor>)| {
        let mut tensors = tiny.single_tensors();
        change(&mut tensors);
        let (_folder, file) = single(&tensors);
        Pipeline::load(open(&file), &Device::flex(), DType::F32).unwrap_err().to_string()
    };
    for key in [
        "model.diffusion_model.input_blocks.1.0.emb_layers.1.bias",
        "first_stage_model.decoder.mid.attn_1.q.weight",
        "conditioner.embedders.0.transformer.text_model.final_layer_norm.bias",
        "conditioner.embedders.1.model.ln_final.weight",
    ] {
        let error = load(&|tensors| tensors.retain(|tensor| tensor.key != key));
        assert!(error.contains(&format!("1 key missing ({key})")), "{error}");
        let change = |f: &dyn Fn(&mut SingleTensor)| {
            load(&|tensors| f(tensors.iter_mut().find(|tensor| tensor.key == key).unwrap()))
        };
        let error = change(&|tensor| {
            tensor.shape.insert(0, 1);
            tensor.shape.insert(0, 1);
        });
        assert!(error.contains(&format!("1 key of another shape (`{key}` [1, 1, ")), "{error}");
        let error = change(&|tensor| tensor.numbers[0] = f16::NAN);
        assert!(error.contains(&format!("`{key}` holds a weight that is NaN")), "{error}");
    }
    let key = "model.diffusion_model.input_blocks.1.0.out_layers.0.running_mean";
    let error =
        load(&|tensors| tensors.push(SingleTensor { key: key.into(), shape: vec![1], numbers: vec![f16::ONE] }));
    assert!(error.contains(&format!("1 key unknown ({key})")), "{error}");
}
