//! The same weights in every layout give the same outputs, bit for bit, and so the same images.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use half::f16;
use sd_golden::{Family, Kind, SingleTensor, Tensors, save_torch, write_tensors};
use sd_model::{ControlFile, ControlKind, ControlLayout, Form, Lora};

use crate::{load, model, outputs, outputs_of, read, temporary, write_folder};

fn convert(from: &Path, to: PathBuf, names: Option<ControlLayout>) -> PathBuf {
    ControlFile::open(from).unwrap().convert(&to, names, Form::Own, &mut |_| ControlFlow::Continue(())).unwrap();
    to
}

#[test]
fn every_layout_gives_the_same_network() {
    for kind in Kind::ALL {
        let folder = temporary();
        let diffusers = write_folder(kind, folder.path(), &[]);
        let expected = outputs_of(kind, &diffusers);
        let original = convert(&diffusers, folder.path().join("original.safetensors"), None);
        let single = convert(&original, folder.path().join("single.safetensors"), Some(ControlLayout::Diffusers));
        let alone = folder.path().join("alone");
        std::fs::create_dir(&alone).unwrap();
        std::fs::copy(&single, alone.join("any_name.safetensors")).unwrap();
        let tensors: Vec<SingleTensor> = read(&original)
            .into_iter()
            .map(|(key, (shape, values))| SingleTensor {
                key,
                shape,
                numbers: values.into_iter().map(f16::from_f32).collect(),
            })
            .collect();
        let torch = folder.path().join("original.pth");
        save_torch(&tensors, 0, &torch);
        let plain = folder.path().join("plain.safetensors");
        let names = |(key, tensor): (String, _)| (key.strip_prefix("control_model.").unwrap().to_string(), tensor);
        write_tensors(&read(&original).into_iter().map(names).collect(), &plain);
        for (path, layout) in [
            (&original, ControlLayout::Original),
            (&torch, ControlLayout::Original),
            (&plain, ControlLayout::Original),
            (&single, ControlLayout::Diffusers),
            (&alone, ControlLayout::Diffusers),
            // The folder that has the folder.
            (&folder.path().to_path_buf(), ControlLayout::Diffusers),
        ] {
            let summary = ControlFile::open(path).unwrap().summary();
            assert_eq!((summary.kind, summary.layout), (ControlKind::Net, layout), "{}", path.display());
            assert!(outputs_of(kind, path) == expected, "{kind:?} {}", path.display());
        }
    }
}

#[test]
fn a_file_becomes_the_folder_that_it_came_from() {
    for family in [Family::Sd1, Family::Xl] {
        let (kind, folder) = (Kind::Conventional(family), temporary());
        let diffusers = write_folder(kind, folder.path(), &[]);
        let original = convert(&diffusers, folder.path().join("original.safetensors"), None);
        let again = convert(&original, folder.path().join("again"), None);
        assert!(outputs_of(kind, &again) == outputs_of(kind, &diffusers), "{family:?}");
        // Those of 1.x have 1×1 convolutions around transformers; the values are the same.
        let values = |folder: &Path| {
            let tensors = read(&folder.join("diffusion_pytorch_model.safetensors"));
            tensors.into_iter().map(|(key, (_, values))| (key, values)).collect::<Vec<_>>()
        };
        assert!(values(&again) == values(&diffusers), "{family:?}");
    }
}

/// The differences of a ControlNet's tensors to those of a U-Net, in diffusers' names.
fn difference(whole: &Tensors, unet: &Tensors) -> Tensors {
    let minus = |(key, (shape, values)): (&String, &(Vec<usize>, Vec<f32>))| {
        let values = match unet.get(key) {
            Some((_, base)) => values.iter().zip(base).map(|(value, base)| value - base).collect(),
            None => values.clone(),
        };
        (key.clone(), (shape.clone(), values))
    };
    whole.iter().map(minus).chain([("difference".to_string(), (vec![], vec![1.0]))]).collect()
}

#[test]
fn a_difference_to_the_models_u_net_gives_the_same_network() {
    for kind in Kind::ALL {
        let folder = temporary();
        let diffusers = write_folder(kind, folder.path(), &[]);
        let (tiny, mut model) = model(kind);
        let unet = read(&tiny.path().join("unet/diffusion_pytorch_model.safetensors"));
        let whole = read(&diffusers.join("diffusion_pytorch_model.safetensors"));
        let path = folder.path().join("difference.safetensors");
        write_tensors(&difference(&whole, &unet), &path);
        let control = ControlFile::open(&path).unwrap();
        assert_eq!(control.kind(), ControlKind::Difference);
        let index = model.add_control(control).unwrap();
        assert!(outputs(kind, &load(&model).controls[index]) == outputs_of(kind, &diffusers), "{kind:?}");
        assert_eq!(model.add_control(ControlFile::open(&path).unwrap()).unwrap(), index, "added once");
    }
}

#[test]
fn a_difference_follows_the_loras_of_the_model() {
    let (kind, folder) = (Kind::Sd1, temporary());
    let diffusers = write_folder(kind, folder.path(), &[]);
    let (tiny, mut model) = model(kind);
    let unet = read(&tiny.path().join("unet/diffusion_pytorch_model.safetensors"));
    let whole = read(&diffusers.join("diffusion_pytorch_model.safetensors"));
    let path = folder.path().join("difference.safetensors");
    write_tensors(&difference(&whole, &unet), &path);
    let lora = [
        ("lora_unet_conv_in.lora_down.weight".to_string(), (vec![1, 4, 3, 3], vec![0.1; 36])),
        ("lora_unet_conv_in.lora_up.weight".to_string(), (vec![16, 1, 1, 1], vec![0.1; 16])),
    ];
    let style = folder.path().join("style.safetensors");
    write_tensors(&lora.into(), &style);
    model.add_control(ControlFile::open(&diffusers).unwrap()).unwrap();
    model.add_control(ControlFile::open(&path).unwrap()).unwrap();
    model.merge(Lora::open(&style, 0.0).unwrap()).unwrap();
    let plain = load(&model);
    model.set_lora_scale(0, 1.0).unwrap();
    let (changed, refreshed) = (load(&model), model.refresh(&plain, &burn::tensor::Device::flex()).unwrap());
    for components in [&changed, &refreshed] {
        assert!(
            outputs(kind, &components.controls[0]) == outputs(kind, &plain.controls[0]),
            "it has weights of its own"
        );
        assert!(outputs(kind, &components.controls[1]) != outputs(kind, &plain.controls[1]));
    }
    assert!(outputs(kind, &changed.controls[1]) == outputs(kind, &refreshed.controls[1]));
}

#[test]
fn a_control_lora_has_the_u_nets_weights_where_it_has_none() {
    for kind in Kind::ALL {
        let folder = temporary();
        let original =
            convert(&write_folder(kind, folder.path(), &[]), folder.path().join("original.safetensors"), None);
        let (tiny, mut model) = model(kind);
        let unet = read(&tiny.path().join("unet/diffusion_pytorch_model.safetensors"));
        let whole = read(&original);
        // Only what a U-Net does not have, and the factors of one weight.
        let own = ["input_hint_block.", "zero_convs.", "middle_block_out."];
        let name = |key: &str| key.strip_prefix("control_model.").unwrap().to_string();
        let kept = whole.iter().map(|(key, tensor)| (name(key), tensor.clone()));
        let mut lora: Tensors = kept.filter(|(key, _)| own.iter().any(|module| key.starts_with(module))).collect();
        lora.insert("lora_controlnet".into(), (vec![0], vec![]));
        lora.insert("time_embed.0.up".into(), (vec![64, 1], vec![0.5; 64]));
        lora.insert("time_embed.0.down".into(), (vec![1, 16], (0..16).map(|i| i as f32 / 16.0).collect()));
        let path = folder.path().join("lora.safetensors");
        write_tensors(&lora, &path);
        // The same as a whole network.
        let diffusers = read(&folder.path().join("controlnet/diffusion_pytorch_model.safetensors"));
        let whole: Tensors = diffusers
            .into_iter()
            .map(|(key, tensor)| {
                let mut tensor = unet.get(&key).cloned().unwrap_or(tensor);
                if key == "time_embedding.linear_1.weight" {
                    tensor.1.iter_mut().enumerate().for_each(|(i, value)| *value += 0.5 * (i % 16) as f32 / 16.0);
                }
                (key, tensor)
            })
            .collect();
        let expected = folder.path().join("whole.safetensors");
        write_tensors(&whole, &expected);
        let control = ControlFile::open(&path).unwrap();
        assert_eq!(control.kind(), ControlKind::Lora);
        let index = model.add_control(control).unwrap();
        assert!(outputs(kind, &load(&model).controls[index]) == outputs_of(kind, &expected), "{kind:?}");
    }
}

#[test]
fn what_a_single_file_cannot_record_stays_in_a_folder() {
    let folder = temporary();
    let diffusers = write_folder(Kind::Sd1, folder.path(), &[("global_pool_conditions", true.into())]);
    let control = ControlFile::open(&diffusers).unwrap();
    assert!(control.averages());
    let convert = |control: &ControlFile, to: &str| {
        control.convert(&folder.path().join(to), None, Form::Own, &mut |_| ControlFlow::Continue(()))
    };
    let error = convert(&control, "plain.safetensors").unwrap_err().to_string();
    assert!(error.contains("averaged over the image") && error.contains("convert to a folder instead"), "{error}");
    convert(&control, "my_Shuffle.safetensors").unwrap();
    let shuffle = ControlFile::open(folder.path().join("my_Shuffle.safetensors")).unwrap();
    assert!(shuffle.averages() && shuffle.notes()[0].contains("its name contains `shuffle`"));
    convert(&control, "again").unwrap();
    assert!(ControlFile::open(folder.path().join("again")).unwrap().averages());
    let error = convert(&control, "again").unwrap_err().to_string();
    assert!(error.contains("already exists"), "{error}");

    let bgr = write_folder(Kind::Sd1, folder.path(), &[("controlnet_conditioning_channel_order", "bgr".into())]);
    let error = convert(&ControlFile::open(bgr).unwrap(), "bgr.safetensors").unwrap_err().to_string();
    assert!(error.contains("blue, green and red"), "{error}");
}
