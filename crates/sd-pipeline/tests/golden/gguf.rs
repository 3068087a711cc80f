//! Models in GGUF files: in half precision as in any other file, and in quantized blocks as the weights that these are widened to.

use std::ops::ControlFlow;
use std::path::Path;

use half::f16;
use sd_golden::{Kind, TinyModel, write_tensors};
use sd_pipeline::{
    BlockKind, Choices, DType, Device, DeviceInfo, Form, Image, Lora, Model, Pipeline, Products, Request, convert,
    device_info,
};
use sd_weights::single_file::Family;
use sd_weights::{StoredType, Weights};

use crate::{single, small};

fn draw(path: &Path) -> Image {
    small::draw(Model::open(path).unwrap())
}

fn converted(from: &Path, to: &Path, form: Form) {
    convert(from, to, form, &Choices::default(), &mut |_| ControlFlow::Continue(())).unwrap();
}

#[test]
fn a_model_in_a_gguf_file_draws_the_same_image() {
    for family in [Family::Sd1, Family::Sd2, Family::Xl] {
        let tiny = TinyModel::new(Kind::Conventional(family));
        let folder = tempfile::tempdir().unwrap();
        let [file, back] = ["model.gguf", "model.safetensors"].map(|name| folder.path().join(name));
        converted(tiny.path(), &file, Form::Own);
        assert!(draw(&file) == draw(tiny.path()), "{family:?}");
        converted(&file, &back, Form::Own);
        let [gguf, safetensors] = [&file, &back].map(|file| Weights::in_file(file).unwrap());
        assert!(gguf.keys().eq(safetensors.keys()), "{family:?}");
        for key in gguf.keys() {
            assert_eq!((gguf.dtype(key), gguf.shape(key)), (safetensors.dtype(key), safetensors.shape(key)), "{key}");
        }
    }
}

/// The kind of blocks that a tensor is in.
fn blocks(weights: &Weights, key: &str) -> Option<BlockKind> {
    match weights.stored_type(key)? {
        StoredType::Blocks(kind) => Some(kind),
        StoredType::Plain(_) => None,
    }
}

#[test]
fn quantized_weights_draw_as_the_weights_that_they_are_widened_to() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let exact = draw(tiny.path());
    for (kind, all, most) in [
        (BlockKind::Q8_0, false, 8.0),
        (BlockKind::Q8_0, true, 8.0),
        (BlockKind::Q4_0, true, 64.0),
        (BlockKind::Q4_K, true, 64.0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let [file, wide, again] =
            ["model.gguf", "model.safetensors", "again.gguf"].map(|name| folder.path().join(name));
        converted(tiny.path(), &file, Form::Blocks { kind, all });
        let weights = Weights::in_file(&file).unwrap();
        let count = weights.keys().filter(|key| blocks(&weights, key).is_some()).count();
        assert!(count > 10, "{kind}: {count}");
        let part = |part: &str| weights.keys().find(|key| key.ends_with(part)).map(|key| blocks(&weights, key));
        assert_eq!(part("input_blocks.1.0.in_layers.2.weight"), Some(Some(kind).filter(|_| all)));
        assert_eq!(part("time_embed.0.weight"), Some(None));
        assert!(weights.keys().all(|key| !key.starts_with("first_stage_model.") || blocks(&weights, key).is_none()));

        let image = draw(&file);
        // Without blocks, all values are in single precision, exactly.
        converted(&file, &wide, Form::Own);
        assert!(image == draw(&wide), "{kind}: another image from the widened weights");
        let apart = mean_difference(&image, &exact);
        assert!(apart < most, "{kind}: {apart}");
        // Blocks are copied.
        converted(&file, &again, Form::Own);
        assert_eq!(std::fs::read(&again).unwrap().len(), std::fs::read(&file).unwrap().len(), "{kind}");
        assert!(image == draw(&again), "{kind}: another image from the copy");
    }
}

#[test]
fn the_folder_of_a_quantized_model_draws_as_its_single_file() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Xl));
    let folder = tempfile::tempdir().unwrap();
    let [file, out] = ["model.gguf", "model"].map(|name| folder.path().join(name));
    let form = Form::Blocks { kind: BlockKind::Q8_0, all: false };
    [&file, &out].into_iter().for_each(|to| converted(tiny.path(), to, form));
    assert!(
        out.join("text_encoder_2/model.gguf").is_file()
            && out.join("vae/diffusion_pytorch_model.safetensors").is_file()
    );
    assert!(mean_difference(&draw(&out), &draw(&file)) < 1.0);
}

#[test]
fn integers_draw_nearly_the_image_of_the_widened_weights() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.gguf");
    converted(tiny.path(), &file, Form::Blocks { kind: BlockKind::Q8_0, all: false });
    let model = || Model::open(&file).unwrap();
    let (flex, other) =
        (device_info("flex").unwrap(), DeviceInfo { name: "wgpu".into(), ..device_info("flex").unwrap() });
    assert!((0.01..1.0).contains(&model().int8_share()), "{}", model().int8_share());
    model().check_products(Products::Int8, &flex).unwrap();
    let [widened, integers] = [Products::Widened, Products::Int8].map(|products| model().with_products(products));
    let [widened, integers] = [widened, integers].map(small::draw);
    let apart = mean_difference(&widened, &integers);
    assert!(apart > 0.0 && apart < 8.0, "{apart}");

    let refused = |path: &Path, products, device| {
        let checked = Model::open(path).unwrap().check_products(products, device);
        checked.unwrap_err().to_string()
    };
    assert_eq!(refused(&file, Products::Int8, &other), "`int8` is for the device flex, not for wgpu");
    let none = refused(tiny.path(), Products::Int8, &flex);
    assert!(
        none.starts_with("`int8` needs linear layers with weights in q8_0, and ") && none.contains("has none"),
        "{none}"
    );
    Model::open(tiny.path()).unwrap().check_products(Products::Widened, &other).unwrap();
}

#[test]
fn a_lora_changes_a_model_that_multiplies_integers() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let folder = tempfile::tempdir().unwrap();
    let [file, lora] = ["model.gguf", "lora.safetensors"].map(|name| folder.path().join(name));
    converted(tiny.path(), &file, Form::Blocks { kind: BlockKind::Q8_0, all: false });
    let layer = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
    let wave = |count: usize| (0..count).map(|i| (i as f32).sin()).collect::<Vec<f32>>();
    let [inputs, outputs] = [64, 64];
    let tensors = [
        (format!("{layer}.lora_down.weight"), (vec![1, inputs], wave(inputs))),
        (format!("{layer}.lora_up.weight"), (vec![outputs, 1], wave(outputs))),
    ];
    write_tensors(&tensors.into(), &lora);
    let open = || Model::open(&file).unwrap().with_products(Products::Int8);
    let mut changed = open();
    changed.merge(Lora::open(&lora, 1.0).unwrap()).unwrap();
    assert!(changed.int8_share() < open().int8_share());
    assert!(small::draw(changed) != small::draw(open()));
}

fn mean_difference(a: &Image, b: &Image) -> f64 {
    let pairs = a.rgb.iter().zip(&b.rgb);
    pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.rgb.len() as f64
}

#[test]
fn weights_stay_in_their_blocks_in_memory_on_the_processor() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.gguf");
    converted(tiny.path(), &file, Form::Blocks { kind: BlockKind::Q8_0, all: true });
    let [small, large] = [&file, tiny.path()].map(|path| {
        let model = Model::open(path).unwrap();
        let workload = sd_pipeline::Workload { width: 32, height: 16, rows: 2, tiled: false };
        model.memory(&workload, DType::F32, &device_info("flex").unwrap()).weights
    });
    assert!(small < large, "{small}, {large}");
    let request = Request { width: Some(32), height: Some(16), steps: Some(2), ..Request::new("a house") };
    let draw = |dtype| {
        let pipeline = Pipeline::open(&file, &Device::flex(), dtype).unwrap();
        pipeline.draw(&request).unwrap().image
    };
    // What is not in blocks is rounded to the requested precision.
    assert!(mean_difference(&draw(DType::F32), &draw(DType::BF16)) < 4.0);
}

#[test]
fn a_u_net_alone_is_joined_to_the_rest_of_a_model() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let tensors = tiny.single_tensors();
    // A U-Net that differs, under names without a prefix, as ComfyUI-GGUF writes them.
    let unet = crate::renamed(&tensors, |key| key.strip_prefix("model.diffusion_model.").map(str::to_string));
    let mut unet: Vec<_> = unet.into_iter().collect();
    unet.iter_mut().flat_map(|tensor| &mut tensor.numbers).for_each(|n| *n = f16::from_f32(n.to_f32() * 0.5));
    let (folder, alone) = single(&unet);
    let error = Model::open(&alone).unwrap_err().to_string();
    assert!(error.contains("a U-Net alone") && error.contains("`unet`"), "{error}");
    let joined = folder.path().join("joined.gguf");
    let choices = Choices { unet: Some(alone.clone()), ..Choices::default() };
    convert(tiny.path(), &joined, Form::Own, &choices, &mut |_| ControlFlow::Continue(())).unwrap();
    let key = "model.diffusion_model.input_blocks.0.0.weight";
    let read = |file: &Path, key: &str| Weights::in_file(file).unwrap().read(key).unwrap();
    assert_eq!(read(&joined, key), read(&alone, "input_blocks.0.0.weight"));
    assert!(draw(&joined) == small::draw(Model::open_with(tiny.path(), &choices).unwrap()));
    assert!(draw(&joined) != draw(tiny.path()));
}
