//! The pipeline, used from a Rust program.

use std::ops::ControlFlow;
use std::path::Path;

use sd_golden::{Kind, TinyModel};
use sd_pipeline::{
    DType, Device, DeviceInfo, DeviceKind, Error, Latents, Model, Noise, Pipeline, Plan, Request, Tensor, TorchNoise,
    device_info,
};

use crate::pipeline;

fn request() -> Request {
    Request { steps: Some(5), width: Some(32), height: Some(32), seed: 3, ..Request::new("a red house") }
}

#[test]
fn every_network_call_is_reported_with_its_estimate() {
    let mut seen = Vec::new();
    let pipeline = pipeline(Kind::Sd1);
    let plan = pipeline.plan(&request()).unwrap();
    let drawn = pipeline
        .drawing(&plan)
        .noise(&mut TorchNoise::new(3))
        .watch(&mut |step| {
            assert_eq!(step.denoised.dims(), [1, 4, 4, 4]);
            seen.push((step.call, step.calls, step.sigma));
            ControlFlow::Continue(())
        })
        .run();
    // PLMS, this model's sampler, calls the network once more than it has steps, the second time a level ahead.
    assert_eq!(seen.iter().map(|s| s.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert!(seen.iter().all(|s| s.1 == 6));
    assert!(seen.windows(2).all(|w| w[0].2 >= w[1].2), "the noise falls: {seen:?}");
    let drawn = drawn.unwrap();
    assert_eq!((drawn.image.width, drawn.image.height, drawn.latents.shape), (32, 32, [1, 4, 4, 4]));
}

#[test]
fn a_watcher_can_cancel() {
    let (mut calls, pipeline) = (0, pipeline(Kind::Sd1));
    let plan = pipeline.plan(&request()).unwrap();
    let result = pipeline
        .drawing(&plan)
        .noise(&mut TorchNoise::new(3))
        .watch(&mut |_| {
            calls += 1;
            if calls == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .run();
    assert!(matches!(result, Err(Error::Cancelled { call: 2, calls: 6, .. })), "{result:?}");
    assert_eq!(calls, 2);
}

#[test]
fn noise_may_be_the_callers_own() {
    struct Twos;
    impl Noise for Twos {
        fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
            like.ones_like() * 2.0
        }

        fn draw(&mut self, like: &Tensor<4>, _from: f64, _to: f64) -> Tensor<4> {
            self.start(like)
        }
    }
    let pipeline = pipeline(Kind::Sd1);
    let plan = pipeline.plan(&request()).unwrap();
    let own = pipeline.drawing(&plan).noise(&mut Twos).run().unwrap();
    let given = Request { latents: Some(Latents { values: vec![2.0; 64], shape: [1, 4, 4, 4] }), ..request() };
    assert_eq!(own.image, pipeline.draw(&given).unwrap().image);
}

#[test]
fn a_pipeline_draws_the_same_image_again() {
    let pipeline = pipeline(Kind::Sdxl);
    let first = pipeline.draw(&request()).unwrap();
    pipeline.draw(&Request { prompt: Some("another".into()), seed: 4, ..request() }).unwrap();
    assert_eq!(first.image, pipeline.draw(&request()).unwrap().image);
}

#[test]
fn values_missing_in_a_folder_have_the_defaults_of_its_sampler() {
    let model = Model::open(TinyModel::new(Kind::Sdxl).path()).unwrap();
    let settings = Plan::new(&model, &Request::new("a house")).unwrap().parameters().to_string();
    assert_eq!(settings, "a house\nSteps: 50, Sampler: Euler, CFG scale: 5, Seed: 0, Size: 64x64, RNG: CPU");
    assert!(
        Plan::new(&model, &Request { sampler: Some("pndm".parse().unwrap()), steps: Some(3), ..request() }).is_err()
    );
}

#[test]
fn sizes_that_are_odd_in_latents_are_drawn() {
    let drawn =
        pipeline(Kind::Sd2v).draw(&Request { width: Some(40), height: Some(56), steps: Some(1), ..request() }).unwrap();
    assert_eq!((drawn.image.width, drawn.image.height), (40, 56));
}

fn change(file: &Path, key: &str, value: &str) {
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    config[key] = value.into();
    std::fs::write(file, config.to_string()).unwrap();
}

#[test]
fn ddpm_takes_every_step_of_its_training_and_ddim_fifty() {
    let folder = TinyModel::ddpm();
    let describe =
        |request| Plan::new(&Model::open(folder.path()).unwrap(), &request).unwrap().parameters().to_string();
    let request = || Request { seed: 7, ..Request::default() };
    assert_eq!(describe(request()), "Steps: 1000, Sampler: DDPM, Seed: 7, Size: 32x32, RNG: CPU");
    let ddim = Request { sampler: Some("ddim".parse().unwrap()), ..request() };
    assert_eq!(describe(ddim), "Steps: 50, Sampler: DDIM, Seed: 7, Size: 32x32, RNG: CPU");
    change(&folder.path().join("model_index.json"), "_class_name", "DDIMPipeline");
    assert_eq!(describe(request()), "Steps: 50, Sampler: DDIM, Seed: 7, Size: 32x32, RNG: CPU");
}

/// The layout in which the first of these models were published.
#[test]
fn a_model_of_pixels_may_lie_beside_its_index() {
    let folder = TinyModel::ddpm();
    let request = Request { steps: Some(2), ..Request::default() };
    let draw = || Pipeline::open(folder.path(), &Device::flex(), DType::F32).unwrap().draw(&request).unwrap();
    let expected = draw();
    assert_eq!((expected.image.width, expected.latents.shape), (32, [1, 3, 32, 32]));
    for part in ["unet", "scheduler"] {
        for file in std::fs::read_dir(folder.path().join(part)).unwrap().map(Result::unwrap) {
            std::fs::rename(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        std::fs::remove_dir(folder.path().join(part)).unwrap();
    }
    assert_eq!(draw().image, expected.image);
}

#[test]
fn models_that_read_no_text_refuse_its_fields() {
    let (pixels, text) =
        (Model::open(TinyModel::ddpm().path()).unwrap(), Model::open(TinyModel::new(Kind::Sd1).path()).unwrap());
    let refused = |model: &Model, request: Request| match Plan::new(model, &request) {
        Err(error) if error.is_usage() => error.to_string(),
        other => panic!("{other:?}"),
    };
    let (with_guidance, ays) = (Request { guidance: Some(2.0), ..Request::default() }, Some("ays".parse().unwrap()));
    assert!(refused(&pixels, Request::new("")).starts_with("`prompt` is for models that read a text"));
    assert!(refused(&pixels, with_guidance).starts_with("`guidance` is for"));
    assert!(refused(&pixels, Request { schedule: ays, ..Request::default() }).starts_with("`schedule` ays is for"));
    assert!(refused(&text, Request::default()).starts_with("`prompt` is missing"));
    assert!(refused(&pixels, Request { width: Some(30), ..Request::default() }).contains("multiple of 4"));
}

#[test]
fn images_too_large_for_a_gpu_are_warned_of_and_tensors_too_large_are_refused() {
    let folder = TinyModel::new(Kind::Sd1);
    let model = Model::open(folder.path()).unwrap();
    let gpu = DeviceInfo {
        name: "wgpu".into(),
        hardware: "a GPU".into(),
        driver: String::new(),
        kind: DeviceKind::Discrete,
        memory: None,
        available: None,
        largest_tensor: None,
        precisions: vec![DType::F32, DType::F16],
    };
    let plan = Plan::new(&model, &request()).unwrap();
    let need = model.memory(&plan.workload(), DType::F32, &gpu);
    // The processor's attention keeps no scores in memory.
    let flex = device_info("flex").unwrap();
    assert!(need.sampling > model.memory(&plan.workload(), DType::F32, &flex).sampling);
    let warned = |memory: usize, available: Option<usize>| {
        let [memory, available] = [Some(memory), available].map(|bytes| bytes.map(|bytes| bytes as u64));
        let gpu = DeviceInfo { memory, available, ..gpu.clone() };
        model.check_device(&plan.workload(), DType::F32, &gpu).unwrap();
        model.memory_warning(&plan.workload(), DType::F32, &gpu)
    };
    assert_eq!(model.memory_warning(&plan.workload(), DType::F32, &gpu), None);
    assert_eq!(warned(need.peak(), None), None);
    assert_eq!(warned(10 * need.peak(), Some(need.peak())), None);
    for smaller in [warned(need.peak() - 1, None), warned(10 * need.peak(), Some(need.peak() - 1))] {
        let smaller = smaller.unwrap();
        assert!(smaller.contains(", and wgpu has ") && smaller.contains(" GB available: "), "{smaller}");
        assert!(smaller.ends_with("draw a smaller image, or use `dtype` f16"), "{smaller}");
    }
    let never = warned(need.weights / 4, None).unwrap();
    assert!(never.ends_with("use another device"), "{never}");
    let limited = |largest_tensor| {
        let gpu = DeviceInfo { memory: Some(0), largest_tensor, ..gpu.clone() };
        model.check_device(&plan.workload(), DType::F32, &gpu).map_err(|error| error.to_string())
    };
    assert_eq!(limited(Some(need.peak() as u64)), Ok(()));
    let one = limited(Some(1000)).unwrap_err();
    assert!(one.contains(" for one tensor, but wgpu has ") && one.ends_with("use another device"), "{one}");
    let error = model.check_device(&plan.workload(), DType::BF16, &gpu).unwrap_err().to_string();
    assert_eq!(error, "wgpu does not compute in bf16: use `dtype` f32 or f16");
}
