//! U-Nets without a middle and with few layers (BK-SDM, SDXS), and such as read the guidance scale: in every layout, and with LoRAs
//! and control networks.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;
use sd_golden::{Family, Kind, TinyModel, write_control, write_tensors, write_weights};
use sd_model::config::write;
use sd_pipeline::{Choices, ControlFile, Image, Lora, Model, convert};
use sd_unet::{UnetConfig, UnetLevel};
use sd_weights::Form;

use crate::{lora, small};

/// A tiny model of a family with another U-Net.
fn with_unet(kind: Kind, unet: &UnetConfig) -> TinyModel {
    let (model, folder) = (TinyModel::new(kind), "unet");
    let path = model.path().join(folder);
    fs::write(path.join("config.json"), write::unet_config(unet, 8).to_string()).unwrap();
    write_weights("small", folder, &unet.init(&Device::flex()), &path.join("diffusion_pytorch_model.safetensors"));
    model
}

/// As BK-SDM-Small: one residual block for each of the published two, and no middle.
fn without_middle(unet: &UnetConfig) -> UnetConfig {
    let smaller = |level: &UnetLevel| UnetLevel {
        resnets: 1,
        down_attention: level.down_attention.iter().take(1).copied().collect(),
        up_attention: level.up_attention.iter().take(2).copied().collect(),
        ..level.clone()
    };
    UnetConfig { levels: unet.levels.iter().map(smaller).collect(), mid_resnets: 0, mid_attention: 0, ..unet.clone() }
}

/// As SDXS: besides, the finest level has no attention on the way down.
fn uneven(unet: &UnetConfig) -> UnetConfig {
    let mut unet = without_middle(unet);
    unet.levels[0].down_attention = Vec::new();
    unet
}

fn distilled(unet: &UnetConfig) -> UnetConfig {
    UnetConfig { time_cond_proj_dim: Some(32), ..unet.clone() }
}

fn draw(path: &Path) -> Image {
    small::draw(Model::open(path).unwrap())
}

fn converted(from: &Path, to: &Path) {
    convert(from, to, Form::default(), &Choices::default(), &mut |_| ControlFlow::Continue(())).unwrap();
}

#[test]
fn they_draw_the_same_from_every_layout() {
    let conventional = |family| Kind::Conventional(family).unet();
    for (family, unet) in [
        (Family::Sd1, without_middle(&conventional(Family::Sd1))),
        (Family::Sd1, uneven(&conventional(Family::Sd1))),
        (Family::Sd1, distilled(&conventional(Family::Sd1))),
        (Family::Sd2, without_middle(&conventional(Family::Sd2))),
        (Family::Xl, distilled(&without_middle(&conventional(Family::Xl)))),
    ] {
        let (tiny, folder) = (with_unet(Kind::Conventional(family), &unet), tempfile::tempdir().unwrap());
        let path = |name: &str| folder.path().join(name);
        converted(tiny.path(), &path("single.safetensors"));
        converted(&path("single.safetensors"), &path("folder"));
        converted(&path("folder"), &path("again.gguf"));
        let expected = draw(tiny.path());
        for stage in ["single.safetensors", "folder", "again.gguf"] {
            assert!(draw(&path(stage)) == expected, "{family:?} {stage}");
            let model = Model::open(path(stage)).unwrap();
            assert_eq!(model.embeds_guidance(), unet.time_cond_proj_dim.is_some());
            assert_eq!(model.has_middle_attention(), unet.has_middle_attention());
        }
    }
}

/// A LoRA that was trained on the whole network changes what is left of it.
#[test]
fn loras_change_what_is_there() {
    let (kind, folder) = (Kind::Sd1, tempfile::tempdir().unwrap());
    let tiny = with_unet(kind, &without_middle(&kind.unet()));
    let mut model = Model::open(tiny.path()).unwrap();
    let file = folder.path().join("style.safetensors");
    let mut tensors = lora::kohya(kind);
    // One more residual block on the way up than here has other inputs.
    tensors.retain(|key, _| !key.contains("resnets") && !key.contains("samplers"));
    write_tensors(&tensors, &file);
    let report = model.merge(Lora::open(&file, 1.0).unwrap()).unwrap();
    assert!(report.matched > 20 && report.unmatched.iter().any(|module| module.contains("mid_block")), "{report:?}");
    assert!(report.unmatched.iter().all(|module| module.contains("mid_block") || module.contains("attentions_")));
    assert!(small::draw(model) != draw(tiny.path()));
}

#[test]
fn a_control_net_for_another_u_net_is_refused_and_one_with_a_middle_fits_one_without() {
    let kind = Kind::Sd1;
    let folder = tempfile::tempdir().unwrap();
    let control = write_control(kind, "controlnet", folder.path());
    let fits = |unet: &UnetConfig| {
        let tiny = with_unet(kind, unet);
        let mut model = Model::open(tiny.path()).unwrap();
        model.add_control(ControlFile::open(&control).unwrap()).map(drop).map_err(|error| error.to_string())
    };
    let refused = fits(&without_middle(&kind.unet())).unwrap_err();
    assert!(refused.contains("is for another U-Net than the model's"), "{refused}");
    fits(&UnetConfig { mid_resnets: 0, mid_attention: 0, ..kind.unet() }).unwrap();
}
