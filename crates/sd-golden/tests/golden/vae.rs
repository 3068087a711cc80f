//! Other autoencoders than a model's own. `tiny_vae.py` wrote `data/vae_tiny/`.

use std::path::Path;

use burn::tensor::Device;
use sd_golden::{Family, Kind, SingleTensor, TinyFamily, TinyModel, data, difference, save_single};
use sd_pipeline::{DType, Model};

use crate::five_steps;

fn draw(model: Model) -> Vec<u8> {
    let request = five_steps::request("a red house by the sea", 7.5);
    model.load(&Device::flex(), DType::F32).unwrap().draw(&request).unwrap().image.rgb
}

fn with_vae(model: &TinyModel, vae: &Path) -> Model {
    let mut model = Model::open(model.path()).unwrap();
    model.replace_vae(vae).unwrap();
    model
}

#[test]
fn a_tiny_one_draws_as_in_diffusers() {
    let found = draw(with_vae(&TinyModel::new(Kind::Sd1), TinyModel::vae_tiny().path()));
    let (mean, max) = difference(&found, &data().join("vae_tiny/sd1.png"));
    assert!(mean <= 0.05 && max <= 2, "mean {mean:.4}, largest {max}");
}

#[test]
fn another_models_is_taken_from_its_folder_or_file() {
    let (model, other) = (TinyModel::new(Kind::Sd1), TinyModel::new(Kind::Sd2v));
    let own = draw(Model::open(model.path()).unwrap());
    let whole = draw(with_vae(&model, other.path()));
    assert_ne!(own, whole);
    assert_eq!(whole, draw(with_vae(&model, &other.path().join("vae"))));
}

#[test]
fn a_file_with_the_original_programs_names_is_the_same_autoencoder() {
    let (model, folder) = (TinyFamily::new(Family::Sd1), tempfile::tempdir().unwrap());
    let own = draw(Model::open(model.path()).unwrap());
    let all = model.single_tensors().into_iter().filter(|tensor| tensor.key.starts_with("first_stage_model."));
    for prefix in ["first_stage_model.", ""] {
        let named = all.clone().map(|tensor| {
            let key = tensor.key.replace("first_stage_model.", prefix);
            SingleTensor { key, ..tensor }
        });
        let file = folder.path().join("vae.safetensors");
        save_single(&named.collect::<Vec<_>>(), &file);
        let mut other = Model::open(model.path()).unwrap();
        other.replace_vae(&file).unwrap();
        assert_eq!(draw(other), own, "{prefix}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut model = Model::open(TinyModel::ddpm().path()).unwrap();
    let error = model.replace_vae(TinyModel::vae_tiny().path()).unwrap_err().to_string();
    assert!(error.contains("draws in pixels"), "{error}");
    let sd1 = TinyModel::new(Kind::Sd1);
    let mut model = Model::open(sd1.path()).unwrap();
    let text = sd1.path().join("text_encoder/model.safetensors");
    let error = model.replace_vae(&text).unwrap_err().to_string();
    assert!(error.contains("no autoencoder"), "{error}");
}
