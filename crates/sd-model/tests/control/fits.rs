//! What is no control network, or none for the model.

use sd_device::{DeviceInfo, DeviceKind};
use sd_golden::{Kind, TinyModel, write_tensors, zip};
use sd_model::{ControlFile, DType, Model, Workload};

use crate::{model, temporary, write_folder};

#[test]
fn a_network_of_another_family_is_refused_before_loading() {
    let folder = temporary();
    for (control, kind, expected) in [
        (Kind::Sdxl, Kind::Sd1, "this ControlNet is for Stable Diffusion XL, but the model is Stable Diffusion 1.x"),
        (
            Kind::Sd1,
            Kind::Sdxl,
            "for another U-Net than the model's, Stable Diffusion XL: it reads no pooled text, the model's U-Net pooled text and sizes of width 88",
        ),
    ] {
        let path = write_folder(control, folder.path(), &[]);
        let (_tiny, mut model) = model(kind);
        let error = model.add_control(ControlFile::open(&path).unwrap()).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains(expected), "{error}");
        assert!(error.to_string().starts_with("`control` ") && model.controls().is_empty());
    }
    let path = write_folder(Kind::Sd1, folder.path(), &[("cross_attention_dim", 1024.into())]);
    let (_tiny, mut sd1) = model(Kind::Sd1);
    let error = sd1.add_control(ControlFile::open(&path).unwrap()).unwrap_err().to_string();
    assert!(
        error.contains("for Stable Diffusion 2.x, but") && error.contains("width 1024, the model's have 32"),
        "{error}"
    );
    let path = write_folder(Kind::Sd1, folder.path(), &[("layers_per_block", 1.into())]);
    let error = sd1.add_control(ControlFile::open(&path).unwrap()).unwrap_err().to_string();
    assert!(error.contains("its levels have [16, 32, 32, 32] channels"), "{error}");
    let path = write_folder(Kind::Sd1, folder.path(), &[("conditioning_embedding_out_channels", vec![4, 8].into())]);
    let error = sd1.add_control(ControlFile::open(&path).unwrap()).unwrap_err().to_string();
    assert!(error.contains("it reads 2 pixels per latent, the model's autoencoder has 8"), "{error}");
    let mut pixels = Model::open(TinyModel::ddpm().path()).unwrap();
    let path = write_folder(Kind::Sd1, folder.path(), &[]);
    let error = pixels.add_control(ControlFile::open(&path).unwrap()).unwrap_err().to_string();
    assert!(error.contains("this model draws in pixels"), "{error}");
}

#[test]
fn tensors_that_the_network_does_not_have_are_refused_when_it_is_added() {
    let folder = temporary();
    let path = write_folder(Kind::Sd1, folder.path(), &[]);
    let file = path.join("diffusion_pytorch_model.safetensors");
    let mut tensors = crate::read(&file);
    tensors.insert("mid_block.extra.weight".into(), (vec![1], vec![0.0]));
    tensors.remove("controlnet_mid_block.bias");
    write_tensors(&tensors, &file);
    let (_tiny, mut model) = model(Kind::Sd1);
    let error = model.add_control(ControlFile::open(&path).unwrap()).unwrap_err().to_string();
    assert!(
        error.contains("1 key missing (controlnet_mid_block.bias), 1 key unknown (mid_block.extra.weight)"),
        "{error}"
    );
}

#[test]
fn other_files_and_folders_are_refused() {
    let folder = temporary();
    let refused = |name: &str, expected: &str| {
        let error = ControlFile::open(folder.path().join(name)).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    };
    refused("nothing", "nothing");
    let write = |name: &str, key: &str| {
        write_tensors(&[(key.to_string(), (vec![1], vec![0.0]))].into(), &folder.path().join(name));
    };
    write("lora.safetensors", "lora_unet_conv_in.lora_up.weight");
    refused("lora.safetensors", "this is a LoRA: give it as `lora`");
    write("model.safetensors", "model.diffusion_model.input_blocks.0.0.weight");
    refused("model.safetensors", "this is a Stable Diffusion checkpoint");
    let pickle = b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.".to_vec();
    std::fs::write(folder.path().join("evil.pth"), zip(&[("archive/data.pkl", pickle)])).unwrap();
    refused("evil.pth", "os.system");
    refused("", "3 files of weights (evil.pth, lora.safetensors, model.safetensors): name one");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    refused("empty", "no config.json and no weights");
    for (class, expected) in [
        ("FluxControlNetModel", "no control network: supported are ControlNetModel"),
        ("UNet2DConditionModel", "no control network"),
    ] {
        write_folder(Kind::Sd1, folder.path(), &[("_class_name", class.into())]);
        refused("controlnet", expected);
    }
    for (key, value, expected) in [
        ("controlnet_conditioning_channel_order", "grb".into(), "only \"rgb\" and \"bgr\""),
        ("conditioning_channels", 4.into(), "only 3 (an image) and 1"),
        ("conditioning_embedding_out_channels", vec![16].into(), "expected 2 to 6 widths of 1 to 65536"),
        ("class_embed_type", "timestep".into(), "which is not supported"),
    ] {
        write_folder(Kind::Sd1, folder.path(), &[(key, value)]);
        refused("controlnet", expected);
    }
    write_folder(Kind::Sd1, folder.path(), &[("new_key", 7.into())]);
    assert!(ControlFile::open(folder.path().join("controlnet")).unwrap().notes()[0].contains("`new_key` (7)"));
}

#[test]
fn networks_need_memory() {
    let folder = temporary();
    let (_tiny, mut model) = model(Kind::Sd1);
    let workload = Workload { width: 512, height: 512, rows: 2, tiled: false };
    let device = DeviceInfo {
        name: "flex".into(),
        hardware: String::new(),
        driver: String::new(),
        kind: DeviceKind::Processor,
        memory: None,
        available: None,
        largest_tensor: None,
        precisions: vec![DType::F32],
    };
    let before = model.memory(&workload, DType::F32, &device);
    let control = ControlFile::open(write_folder(Kind::Sd1, folder.path(), &[])).unwrap();
    let weights = 4 * control.elements();
    model.add_control(control).unwrap();
    let after = model.memory(&workload, DType::F32, &device);
    assert_eq!(after.weights, before.weights + weights);
    // At least its residuals: three tensors of the finest level for each row.
    assert!(after.sampling >= before.sampling + 2 * 3 * 4 * 16 * 64 * 64);
    assert_eq!(after.decoding, before.decoding);
}
