//! Models whose weights stay in their files draw the images of those in memory.

use std::ops::ControlFlow;
use std::path::Path;

use sd_golden::{Kind, TinyModel, write_tensors};
use sd_pipeline::{Choices, DType, Device, DeviceInfo, Lora, Memory, Model, Pipeline, Workload, convert, device_info};
use sd_weights::Form;
use sd_weights::single_file::Family;

use crate::{five_steps, lora, single, small};

fn low(path: &Path) -> Model {
    Model::open(path).unwrap().with_memory(Memory::Low)
}

/// Checks that a model draws the same image in low memory.
#[track_caller]
fn check_image(path: &Path) {
    let expected = small::draw(Model::open(path).unwrap());
    assert!(small::draw(low(path)) == expected, "another image of {}", path.display());
}

#[test]
fn weights_in_half_precision_draw_the_image_of_single_precision() {
    for kind in [Kind::Sd1, Kind::Sd2v, Kind::Sdxl] {
        check_image(TinyModel::new(kind).path());
    }
}

#[test]
fn weights_in_single_precision_draw_the_same_image() {
    let (tiny, folder) = (TinyModel::new(Kind::Sdxl), tempfile::tempdir().unwrap());
    let to = folder.path().join("single");
    convert(tiny.path(), &to, Form::Cast(burn::tensor::FloatDType::F32), &Choices::default(), &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    check_image(&to);
}

/// In such files the matrices of attention are parts of one tensor, and others are transposed.
#[test]
fn a_single_file_draws_the_same_image() {
    for family in [Family::Sd1, Family::Xl] {
        let (_folder, file) = single(&TinyModel::new(Kind::Conventional(family)).single_tensors());
        check_image(&file);
    }
}

#[test]
fn a_lora_changes_the_same_weights() {
    let (tiny, folder) = (TinyModel::new(Kind::Sdxl), tempfile::tempdir().unwrap());
    let file = folder.path().join("lora.safetensors");
    write_tensors(&lora::kohya(Kind::Sdxl), &file);
    let pipeline = |memory: Memory| {
        let mut model = Model::open(tiny.path()).unwrap().with_memory(memory);
        model.merge(Lora::open(&file, 0.9).unwrap()).unwrap();
        Pipeline::load(model, &Device::flex(), DType::F32).unwrap()
    };
    let draw = |pipeline: &Pipeline| pipeline.draw(&five_steps::request("a red house", 5.0)).unwrap().image;
    let (normal, mut low) = (pipeline(Memory::Normal), pipeline(Memory::Low));
    let expected = draw(&normal);
    assert!(draw(&low) == expected);
    low.set_lora_scale(0, 0.2).unwrap();
    assert!(draw(&low) != expected);
    low.set_lora_scale(0, 0.9).unwrap();
    assert!(draw(&low) == expected);
}

#[test]
fn the_estimate_has_only_the_weights_that_are_in_memory() {
    let (tiny, mut flex) = (TinyModel::new(Kind::Sd1), device_info("flex").unwrap());
    let open = |memory| Model::open(tiny.path()).unwrap().with_memory(memory);
    let (normal, mut low) = (open(Memory::Normal), open(Memory::Low));
    let workload = Workload { width: 64, height: 64, rows: 2, tiled: false };
    let need = |model: &Model, device: &DeviceInfo| model.memory(&workload, DType::F32, device);
    // Files in half precision have half the bytes, and these are all used within the window.
    let [before, after] = [&normal, &low].map(|model| need(model, &flex).weights);
    assert!(after > 0 && 10 * after < 6 * before, "{after} of {before}");
    assert!(normal.decodes_untiled(&workload, DType::F32, &flex) && !low.decodes_untiled(&workload, DType::F32, &flex));
    let gpu = DeviceInfo { name: "wgpu".into(), ..flex.clone() };
    assert_eq!(need(&low, &gpu), need(&normal, &gpu));
    assert!(Memory::Low.has_effect_on(&flex) && !Memory::Low.has_effect_on(&gpu));

    // What a LoRA changes is in memory.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lora.safetensors");
    write_tensors(&lora::kohya(Kind::Sd1), &file);
    low.merge(Lora::open(&file, 1.0).unwrap()).unwrap();
    assert!(need(&low, &flex).weights > after + before / 10);

    flex.available = Some(1);
    let warning = |model: &Model, device| model.memory_warning(&workload, DType::F32, device).unwrap();
    assert!(warning(&normal, &flex).ends_with(", or use `memory` low"), "{}", warning(&normal, &flex));
    assert!(!warning(&low, &flex).contains("`memory`"));
    assert!(!warning(&normal, &DeviceInfo { available: Some(1), ..gpu }).contains("`memory`"));
}
