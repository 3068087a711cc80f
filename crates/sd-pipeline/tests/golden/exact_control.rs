//! What is known exactly of images that steer a drawing: without influence they change no bit, and influences add up.

use std::path::{Path, PathBuf};

use burn::tensor::FloatDType;
use sd_golden::{Kind, TinyModel, write_control};
use sd_pipeline::{
    ControlFile, ControlImage, ControlMode, DType, Device, GuidanceOptions, Image, Init, Latents, Model, Pipeline,
    Preprocessor, Request,
};
use sd_weights::save;
use tempfile::TempDir;

/// A tiny model with a ControlNet, its network 0.
struct Controlled {
    pipeline: Pipeline,
    _folder: TempDir,
}

impl Controlled {
    /// With a network whose weights are random.
    fn random(kind: Kind) -> Self {
        Self::with(kind, |folder, _| write_control(kind, "controlnet", folder))
    }

    /// With a network that `write` writes to a folder.
    fn with(kind: Kind, write: impl FnOnce(&Path, &Device) -> PathBuf) -> Self {
        let (device, folder) = (Device::flex(), tempfile::tempdir().unwrap());
        let file = write(folder.path(), &device);
        let tiny = TinyModel::new(kind);
        let mut model = Model::open(tiny.path()).unwrap();
        assert_eq!(model.add_control(ControlFile::open(&file).unwrap()).unwrap(), 0);
        Self { pipeline: Pipeline::load(model, &device, DType::F32).unwrap(), _folder: folder }
    }

    fn latents(&self, request: &Request) -> Latents {
        let plan = self.pipeline.plan(request).unwrap();
        self.pipeline.drawing(&plan).latents().unwrap().remove(0)
    }
}

/// Stripes, of the size of the drawing.
fn stripes() -> Image {
    let value = |i: usize| if (i % 64 / 8).is_multiple_of(2) { 255 } else { 0 };
    Image { width: 64, height: 64, rgb: (0..64 * 64).flat_map(|i| [value(i); 3]).collect() }
}

fn request(controls: Vec<ControlImage>) -> Request {
    Request { steps: Some(4), seed: 3, controls, ..Request::new("a red house by the sea") }
}

fn control(scale: f64) -> ControlImage {
    ControlImage { scale, ..ControlImage::new(0, stripes()) }
}

#[test]
fn a_control_without_influence_changes_no_bit() {
    let controlled = Controlled::random(Kind::Sd1);
    let plain = controlled.latents(&request(Vec::new()));
    assert_eq!(controlled.latents(&request(vec![control(0.0)])), plain, "scale 0");
    let late = ControlImage { start: 0.9, ..control(1.0) };
    assert_eq!(controlled.latents(&request(vec![late])), plain, "no step of four is after 0.9");
    assert!(controlled.latents(&request(vec![control(1.0)])) != plain, "with influence");
}

#[test]
fn a_network_that_was_not_trained_changes_no_bit() {
    let kind = Kind::Sd1;
    let model = TinyModel::new(kind);
    let controlled = Controlled::with(kind, |folder, device| {
        let unet = model.load("unet", kind.unet().init(device));
        let file = folder.join("network.safetensors");
        save(&kind.control().init(device).with_encoder_of(&unet), &file, FloatDType::F32).unwrap();
        file
    });
    let plain = controlled.latents(&request(Vec::new()));
    for mode in [ControlMode::Balanced, ControlMode::Prompt, ControlMode::Control] {
        let found = controlled.latents(&request(vec![ControlImage { mode, ..control(1.0) }]));
        assert_eq!(found, plain, "{mode}");
    }
}

/// Halves are exact, and so is their sum.
#[test]
fn two_halves_are_a_whole_to_the_bit() {
    for kind in [Kind::Sd1, Kind::Sdxl] {
        let controlled = Controlled::random(kind);
        let whole = controlled.latents(&request(vec![control(1.0)]));
        assert_eq!(controlled.latents(&request(vec![control(0.5), control(0.5)])), whole, "{}", kind.name());
    }
}

/// Windows that follow each other are one.
#[test]
fn the_first_half_and_the_second_half_of_the_steps_are_all_of_them() {
    let controlled = Controlled::random(Kind::Sd1);
    let (first, second) = (ControlImage { end: 0.5, ..control(1.0) }, ControlImage { start: 0.5, ..control(1.0) });
    assert_eq!(controlled.latents(&request(vec![first, second])), controlled.latents(&request(vec![control(1.0)])));
}

/// The rows without control of a batch are zeros, not another image's.
#[test]
fn without_guidance_the_mode_control_is_the_mode_prompt() {
    let controlled = Controlled::random(Kind::Sd1);
    let latents = |mode, guidance| {
        let controls = vec![ControlImage { mode, ..control(1.0) }];
        controlled.latents(&Request { guidance: Some(guidance), ..request(controls) })
    };
    assert_eq!(latents(ControlMode::Control, 1.0), latents(ControlMode::Prompt, 1.0));
    assert!(latents(ControlMode::Control, 5.0) != latents(ControlMode::Prompt, 5.0));
}

#[test]
fn a_batch_draws_what_each_image_is_alone() {
    let controlled = Controlled::random(Kind::Sdxl);
    let guess = |prompt: &str, seed, guess_mode| Request {
        prompt: Some(prompt.into()),
        seed,
        guess_mode,
        ..request(vec![control(0.8)])
    };
    let long = "a red house by the sea, ".repeat(20);
    let requests = [guess("a boat", 1, true), guess(&long, 2, true), guess("a boat AND a tree", 3, false)];
    let plans: Vec<_> = requests.iter().map(|request| controlled.pipeline.plan(request).unwrap()).collect();
    let together = controlled.pipeline.drawings(&plans).latents().unwrap();
    for (request, found) in requests.iter().zip(together) {
        let alone = controlled.latents(request);
        let largest = found.values.iter().zip(&alone.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest < 1e-3, "{largest}");
    }
}

#[test]
fn every_kind_of_guidance_and_of_start_has_control() {
    let controlled = Controlled::random(Kind::Sd1);
    let options = [
        GuidanceOptions { pag: 2.0, ..GuidanceOptions::default() },
        GuidanceOptions { sag: 0.5, ..GuidanceOptions::default() },
    ];
    for guidance_options in options {
        let request = |controls| Request { guidance_options: guidance_options.clone(), ..request(controls) };
        assert!(controlled.latents(&request(vec![control(1.0)])) != controlled.latents(&request(Vec::new())));
    }
    let start = |preprocess, image| {
        let controls = vec![ControlImage { preprocess, image, ..control(1.0) }];
        controlled.latents(&Request { init: Some(Init::Image(stripes())), ..request(controls) })
    };
    // The initial image is that of a control without one.
    assert_eq!(start(Preprocessor::None, None), start(Preprocessor::None, Some(stripes())));
    assert!(start(Preprocessor::Invert, None) != start(Preprocessor::None, None));
}

/// An image of a union network that is outside its window is as if it were not given.
#[test]
fn a_union_network_reads_what_counts_in_a_step() {
    let controlled = Controlled::with(Kind::Sdxl, |folder, _| write_control(Kind::Sdxl, "union", folder));
    let edges = ControlImage { kind: Some("canny".into()), ..control(1.0) };
    let depth = ControlImage { kind: Some("depth".into()), preprocess: Preprocessor::Invert, ..control(0.6) };
    let latents = |controls| controlled.latents(&request(controls));
    let never = ControlImage { start: 0.9, ..depth.clone() };
    assert_eq!(latents(vec![edges.clone(), never]), latents(vec![edges.clone()]));
    assert!(latents(vec![edges.clone(), depth]) != latents(vec![edges]));
}
