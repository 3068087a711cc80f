//! Autoencoders other than the model's own. Golden: `golden/vae_tiny` in sd-golden.

use std::path::Path;

use burn::tensor::{Device, FloatDType};
use half::f16;
use sd_device::is_processor;
use sd_golden::{Family, Kind, SingleTensor, TinyModel, data, devices, difference, noise, save_single};
use sd_pipeline::{Choices, DType, Image, Model, ModelError, Pipeline};
use sd_vae::Banding;
use sd_weights::{Weights, WeightsError};

use crate::five_steps;

fn draw(model: Model) -> Vec<u8> {
    let request = five_steps::request("a red house by the sea", 7.5);
    Pipeline::load(model, &Device::flex(), DType::F32).unwrap().draw(&request).unwrap().image.rgb
}

fn open(model: &Path, vae: &Path) -> Result<Model, ModelError> {
    Model::open_with(model, &Choices { vae: Some(vae.to_path_buf()), ..Choices::default() })
}

fn with_vae(model: &TinyModel, vae: &Path) -> Model {
    open(model.path(), vae).unwrap()
}

/// Checks that a model with this autoencoder draws as diffusers does with `vae_tiny`.
#[track_caller]
fn check_tiny(vae: &Path) {
    let found = draw(with_vae(&TinyModel::new(Kind::Sd1), vae));
    let (mean, max) = difference(&found, &data().join("vae_tiny/sd1.png"));
    assert!(mean <= 0.05 && max <= 2, "mean {mean:.4}, largest {max}");
}

#[test]
fn a_tiny_one_draws_as_in_diffusers() {
    check_tiny(TinyModel::vae_tiny().path());
}

/// The tensors of a file under other names; tensors without one are left out.
fn renamed(file: &Path, name: impl Fn(&str) -> Option<String>) -> Vec<SingleTensor> {
    let weights = Weights::in_file(file).unwrap();
    let tensor = |key: &str| {
        let values = weights.read(key).unwrap().into_iter().map(f16::from_f32).collect();
        Some(SingleTensor { key: name(key)?, shape: weights.shape(key).unwrap().to_vec(), numbers: values })
    };
    weights.keys().filter_map(tensor).collect()
}

#[test]
fn a_tiny_one_is_read_from_files_of_either_layout() {
    let tiny = TinyModel::vae_tiny();
    let whole = tiny.path().join("diffusion_pytorch_model.safetensors");
    check_tiny(&whole);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taesd_decoder.safetensors");
    // Its program numbers the layers of each half; the decoder's count includes the clamp in front of it.
    let numbered = |key: &str, side: &str, first: usize| {
        let (number, rest) = key.strip_prefix(side)?.strip_prefix(".layers.")?.split_once('.')?;
        Some(format!("{}.{rest}", number.parse::<usize>().ok()? + first))
    };
    let decoder =
        |prefix: &str, first| renamed(&whole, |key| Some(format!("{prefix}{}", numbered(key, "decoder", first)?)));
    for (prefix, first) in [("", 0), ("", 1), ("decoder.", 1), ("module.decoder.layers.", 0)] {
        save_single(&decoder(prefix, first), &file);
        check_tiny(&file);
    }
    let mut both = decoder("taesd_decoder.", 1);
    both.extend(renamed(&whole, |key| Some(format!("taesd_encoder.{}", numbered(key, "encoder", 0)?))));
    for key in ["vae_scale", "vae_shift"] {
        both.push(SingleTensor { key: key.into(), shape: vec![], numbers: vec![f16::NAN] });
    }
    save_single(&both, &file);
    check_tiny(&file);
    let image = Image { width: 16, height: 8, rgb: vec![100; 3 * 16 * 8] };
    let load =
        |vae: &Path| Pipeline::load(with_vae(&TinyModel::new(Kind::Sd1), vae), &Device::flex(), DType::F32).unwrap();
    let of_folder = load(tiny.path()).reconstruct(std::slice::from_ref(&image)).unwrap();
    assert!(load(&file).reconstruct(std::slice::from_ref(&image)).unwrap() == of_folder);

    save_single(&decoder("", 1), &file);
    let error = load(&file).reconstruct(&[image]).unwrap_err().to_string();
    assert!(error.contains("has no encoder"), "{error}");
    save_single(&renamed(&whole, |key| numbered(key, "encoder", 0)), &file);
    let error = open(TinyModel::new(Kind::Sd1).path(), &file).unwrap_err().to_string();
    assert!(error.contains("the encoder of TAESD alone: images need the decoder"), "{error}");
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
    let (model, folder) = (TinyModel::new(Kind::Conventional(Family::Sd1)), tempfile::tempdir().unwrap());
    let own = draw(Model::open(model.path()).unwrap());
    let all = model.single_tensors().into_iter().filter(|tensor| tensor.key.starts_with("first_stage_model."));
    for prefix in ["first_stage_model.", "", "model.vae."] {
        let named = all.clone().map(|tensor| {
            let key = tensor.key.replace("first_stage_model.", prefix);
            SingleTensor { key, ..tensor }
        });
        let file = folder.path().join("vae.safetensors");
        save_single(&named.collect::<Vec<_>>(), &file);
        assert_eq!(draw(open(model.path(), &file).unwrap()), own, "{prefix}");
    }
    // A whole model, and the layout of diffusers behind a prefix.
    let file = folder.path().join("model.safetensors");
    save_single(&model.single_tensors(), &file);
    assert_eq!(draw(open(model.path(), &file).unwrap()), own);
    let weights = model.path().join("vae/diffusion_pytorch_model.safetensors");
    save_single(&renamed(&weights, |key| Some(format!("vae.{key}"))), &file);
    assert_eq!(draw(open(model.path(), &file).unwrap()), own);
}

#[test]
fn what_does_not_fit_is_refused() {
    let error = open(TinyModel::ddpm().path(), TinyModel::vae_tiny().path()).unwrap_err().to_string();
    assert!(error.contains("draws in pixels"), "{error}");
    let sd1 = TinyModel::new(Kind::Sd1);
    let error = open(sd1.path(), &sd1.path().join("text_encoder/model.safetensors")).unwrap_err();
    assert!(matches!(error, ModelError::Weights(WeightsError::NotAModel { .. })), "{error}");
    assert!(error.to_string().contains("no autoencoder"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taesd3.safetensors");
    let mut wide =
        renamed(&TinyModel::vae_tiny().path().join("diffusion_pytorch_model.safetensors"), |key| Some(key.into()));
    let first = wide.iter_mut().find(|tensor| tensor.key == "decoder.layers.0.weight").unwrap();
    (first.shape[1], first.numbers) = (16, vec![f16::ZERO; 8 * 16 * 9]);
    save_single(&wide, &file);
    let error = open(sd1.path(), &file).unwrap_err().to_string();
    assert!(error.contains("its latents have 16 channels, but the model's have 4"), "{error}");
}

/// On GPUs also in half precision, whose rounding is then the whole difference.
#[test]
fn an_image_decoded_in_bands_is_the_whole_one_on_every_device() {
    let tiny = TinyModel::new(Kind::Sd1);
    let weights = Weights::in_folder(&tiny.path().join("vae"), "diffusion_pytorch_model").unwrap();
    for (name, device) in devices() {
        for (dtype, close) in [(FloatDType::F32, 1e-5), (FloatDType::F16, 5e-3)] {
            if !device.supports_dtype(dtype) || (dtype == FloatDType::F16 && is_processor(name)) {
                continue;
            }
            let vae = weights.load(Kind::Sd1.vae().init(&device), dtype).unwrap();
            let z = noise("z", [1, 4, 7, 5], &device).cast(dtype);
            let whole = vae.decode(z.clone()).cast(FloatDType::F32);
            for rows in [2, 16] {
                let banding = Banding { values: 0, rows, half_from: usize::MAX };
                let found = vae.decode_in_bands(z.clone(), banding).cast(FloatDType::F32);
                let [apart, largest] =
                    [found - whole.clone(), whole.clone()].map(|x| x.abs().max().into_scalar::<f32>());
                assert!(apart <= close * largest, "{name}, {dtype:?}, bands of {rows} rows: {apart} of {largest}");
            }
        }
    }
}
