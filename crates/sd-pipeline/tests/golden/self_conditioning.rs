//! Networks that also read the clean image that they last predicted (Chen et al. 2022).

use burn::tensor::{Device, Tensor, TensorData};
use sd_golden::{Kind, TinyModel, ddpm, write_control, write_weights};
use sd_model::config::write;
use sd_pipeline::{ControlFile, DType, Latents, Model, Noise, Pipeline, Request, TorchNoise};
use sd_samplers::{Ddim, DenoiseError, Network, sample};
use sd_unet::{UnconditionalUnetConfig, UnetConfig};
use serde_json::json;

/// A pixel model whose U-Net reads its last prediction.
fn pixels() -> (TinyModel, UnconditionalUnetConfig) {
    let (model, unet) =
        (TinyModel::ddpm(), UnconditionalUnetConfig { in_channels: 6, self_conditioning: true, ..ddpm() });
    let folder = model.path().join("unet");
    std::fs::write(folder.join("config.json"), write::unconditional_unet_config(&unet, 32).to_string()).unwrap();
    write_weights("own", "unet", &unet.init(&Device::flex()), &folder.join("diffusion_pytorch_model.safetensors"));
    model.change_scheduler(json!({ "clip_sample": false }).as_object().unwrap());
    (model, unet)
}

/// A model with a text of the same kind.
fn with_text() -> TinyModel {
    let (kind, model) = (Kind::Sd1, TinyModel::new(Kind::Sd1));
    let unet = UnetConfig { in_channels: 8, self_conditioning: true, ..kind.unet() };
    let folder = model.path().join("unet");
    std::fs::write(folder.join("config.json"), write::unet_config(&unet, 8).to_string()).unwrap();
    write_weights("own", "unet", &unet.init(&Device::flex()), &folder.join("diffusion_pytorch_model.safetensors"));
    model
}

fn latents(pipeline: &Pipeline, request: &Request) -> Latents {
    pipeline.drawing(&pipeline.plan(request).unwrap()).latents().unwrap().remove(0)
}

/// A loop over the U-Net itself, which keeps each prediction by the formula of the paper's training.
#[test]
fn each_call_reads_the_image_of_the_call_before() {
    let (model, config) = pixels();
    let (device, unet) = (Device::flex(), model.load("unet", config.init(&Device::flex())));
    let pipeline = Pipeline::open(model.path(), &device, DType::F32).unwrap();
    let request = Request { sampler: Some("ddim".parse().unwrap()), steps: Some(5), seed: 7, ..Request::default() };
    let plan = pipeline.plan(&request).unwrap();
    let (process, levels) = (&pipeline.components().process, &plan.settings.sampling.levels.value);
    let mut predicted = Tensor::<4>::zeros([1, 3, 32, 32], &device);
    let call = |x: Tensor<4>, t: f64| -> Result<Tensor<4>, DenoiseError> {
        let eps = unet.forward(Tensor::cat(vec![x.clone(), predicted.clone()], 1), &[t]);
        let alpha_bar = 1.0 / (1.0 + process.sigma(t).powi(2));
        predicted = (x - eps.clone() * (1.0 - alpha_bar).sqrt()) / alpha_bar.sqrt();
        Ok(eps)
    };
    let mut noise = TorchNoise::new(7);
    let x = noise.start(&Tensor::zeros([1, 3, 32, 32], &device)) * plan.settings.sampling.start_std;
    let mut network = Network { process, whole_timesteps: false, call };
    let expected = sample(&Ddim::new(0.0), &mut network, &mut noise, x, levels).unwrap();
    let found = latents(&pipeline, &request);
    let found = Tensor::<4>::from_data(TensorData::new(found.values, found.shape), &device);
    let (off, size) =
        ((found - expected.clone()).abs().max().into_scalar::<f32>(), expected.abs().max().into_scalar::<f32>());
    assert!(off < 1e-4 * size, "{off} of {size}");
}

/// Also with guidance, and for each image as if it were alone.
#[test]
fn images_drawn_together_read_their_own() {
    let model = with_text();
    let pipeline = Pipeline::open(model.path(), &Device::flex(), DType::F32).unwrap();
    let request = |seed| Request { steps: Some(3), width: Some(64), height: Some(64), seed, ..Request::new("a house") };
    let plans = [1, 2].map(|seed| pipeline.plan(&request(seed)).unwrap());
    let together = pipeline.drawings(&plans).latents().unwrap();
    for (seed, drawn) in [1, 2].into_iter().zip(together) {
        assert_eq!(latents(&pipeline, &request(seed)), drawn);
    }
}

#[test]
fn control_networks_are_refused_with_the_reason() {
    let (model, folder) = (with_text(), tempfile::tempdir().unwrap());
    let control = ControlFile::open(write_control(Kind::Sd1, "controlnet", folder.path())).unwrap();
    let error = Model::open(model.path()).unwrap().add_control(control).map(drop).unwrap_err().to_string();
    assert!(error.contains("`self_conditioning`"), "{error}");
}
