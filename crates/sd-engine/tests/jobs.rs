//! Jobs with a tiny model: what they draw, which models stay loaded, and what images say.

use std::fs;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use sd_engine::{
    Drawn, Engine, EngineError, EngineOptions, HiresPass, Job, Kind, Library, LibraryFolders, Record, RefinerPass,
};
use sd_golden::{Kind as Family, Tensors, TinyModel, write_tensors};
use sd_image::{Format, Image, Mask};
use sd_pipeline::{DType, Init, Inpaint, Memory, Pipeline, Products, Request, device_by_name, device_info};
use tempfile::TempDir;

static MODEL: LazyLock<TinyModel> = LazyLock::new(|| TinyModel::new(Family::Sd1));

/// A library of two models that are the same, and a LoRA for each of two modules.
fn library() -> (TempDir, Arc<Library>) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["models", "loras"] {
        fs::create_dir(at(name)).unwrap();
    }
    for name in ["models/one", "models/two"] {
        std::os::unix::fs::symlink(MODEL.path(), at(name)).unwrap();
    }
    for (name, module) in [("ink", "to_q"), ("chalk", "to_k")] {
        write_tensors(&lora(module), &at(&format!("loras/{name}.safetensors")));
    }
    let folders = LibraryFolders { models: Some(at("models")), loras: Some(at("loras")), ..LibraryFolders::default() };
    let library = Library::new(folders).unwrap();
    (folder, Arc::new(library))
}

fn lora(module: &str) -> Tensors {
    let wave = |count: usize| (0..count).map(|i| (i as f32).sin()).collect::<Vec<f32>>();
    let module = format!("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_{module}");
    [
        (format!("{module}.lora_down.weight"), (vec![1, 16], wave(16))),
        (format!("{module}.lora_up.weight"), (vec![16, 1], wave(16))),
    ]
    .into()
}

fn engine(library: &Arc<Library>, keep: usize) -> Engine {
    let (device, memory) = (device_info("flex").unwrap(), Memory::Normal);
    let options = EngineOptions { device, dtype: DType::F32, memory, products: Products::Widened, keep };
    Engine::new(library.clone(), options)
}

fn request(prompt: &str) -> Request {
    Request { steps: Some(2), width: Some(32), height: Some(32), seed: 7, ..Request::new(prompt) }
}

fn job(model: &str, prompt: &str) -> Job {
    Job { model: Some(model.into()), ..Job::new(request(prompt)) }
}

fn draw(engine: &mut Engine, job: &Job) -> Drawn {
    engine.prepare(job).unwrap().draw(0, &mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn a_job_draws_what_the_pipeline_draws_and_image_i_has_the_seed_plus_i() {
    let (_folder, library) = library();
    let mut engine = engine(&library, 1);
    let job = Job { count: 2, ..job("one", "a house") };
    let prepared = engine.prepare(&job).unwrap();
    let mut calls = Vec::new();
    let drawn = [0, 1].map(|index| {
        let watch = &mut |progress: &sd_engine::Progress| {
            let preview = progress.preview().unwrap();
            calls.push((progress.call, progress.calls, preview.width));
            ControlFlow::Continue(())
        };
        prepared.draw(index, watch).unwrap()
    });
    // PLMS makes one call more than it has steps.
    assert_eq!(calls, [(1, 3, 4), (2, 3, 4), (3, 3, 4), (1, 3, 4), (2, 3, 4), (3, 3, 4)]);
    let pipeline = Pipeline::open(MODEL.path(), &device_by_name("flex").unwrap(), DType::F32).unwrap();
    for (drawn, seed) in drawn.iter().zip([7, 8]) {
        let expected = pipeline.draw(&Request { seed, ..request("a house") }).unwrap();
        assert!(drawn.image == expected.image && drawn.seed == seed);
        assert!(drawn.parameters.contains(&format!("Seed: {seed}, ")), "{}", drawn.parameters);
    }
}

/// Draws images of a job together, and returns them as files.
fn draw_together(engine: &mut Engine, job: &Job, images: &[u64]) -> Vec<Vec<u8>> {
    let prepared = engine.prepare(job).unwrap();
    let mut calls = 0;
    let watch = &mut |progress: &sd_engine::Progress| {
        calls += 1;
        assert_eq!((progress.call, progress.preview().unwrap().width), (calls, 4));
        ControlFlow::Continue(())
    };
    let drawn = prepared.draw_together(images, watch).unwrap();
    assert_eq!(calls, prepared.planned().calls());
    drawn.iter().map(|drawn| drawn.encode(Format::Png).unwrap()).collect()
}

#[test]
fn images_that_are_drawn_together_are_the_files_that_each_is_alone() {
    let (_folder, library) = library();
    let mut engine = engine(&library, 1);
    let image = draw(&mut engine, &job("one", "a boat")).image;
    let plain = Job { count: 7, ..job("one", "a house") };
    let mut changed = plain.clone();
    changed.request.init = Some(Init::Image(image));
    changed.request.inpaint = Some(Inpaint::new(Mask { values: [0, 255].repeat(512), width: 32, height: 32 }));
    for job in [plain, changed] {
        // Any of them, as after a restart.
        for images in [&[0, 1, 2, 3][..], &[1, 5], &[6]] {
            let together = draw_together(&mut engine, &job, images);
            let prepared = engine.prepare(&job).unwrap();
            for (index, file) in images.iter().zip(together) {
                let alone = prepared.draw(*index, &mut |_| ControlFlow::Continue(())).unwrap();
                assert!(alone.encode(Format::Png).unwrap() == file, "{index} of {images:?}");
                let single = draw(&mut self::engine(&library, 1), &job.single(*index));
                assert!(single.encode(Format::Png).unwrap() == file, "{index} of {images:?}, as a job of its own");
            }
        }
    }
}

#[test]
fn small_images_are_drawn_together_on_the_processors_own_kernels_in_one_pass_and_within_the_memory() {
    let (_folder, library) = library();
    let plain = Job { count: 8, ..job("one", "a house") };
    let together = |job: &Job, device: &str, available| {
        let mut device = device_info(device).unwrap();
        device.available = available;
        let options =
            EngineOptions { device, dtype: DType::F32, memory: Memory::Normal, products: Products::Widened, keep: 1 };
        Engine::new(library.clone(), options).plan(job).unwrap().together()
    };
    assert_eq!(together(&plain, "flex", None), sd_engine::MOST_TOGETHER);
    let with = |change: fn(&mut Job)| {
        let mut job = plain.clone();
        change(&mut job);
        together(&job, "flex", None)
    };
    assert_eq!(with(|job| job.hires = Some(HiresPass::default())), 1);
    assert_eq!(with(|job| job.refiner = Some(RefinerPass { model: "two".into(), start: 0.5 })), 1);
    assert_eq!(with(|job| job.tiling = sd_engine::Tiling::On), 1);
    // Large images fill the processor each.
    let size = |side| with_size(&plain, side);
    let sizes = [64, 2048, 8192].map(|side| together(&size(side), "flex", None));
    assert!(sizes.is_sorted_by(|one, next| one >= next) && sizes[0] == 8 && sizes[2] == 1, "{sizes:?}");
    // With less memory than that, fewer; with none, each image alone.
    let within = [1 << 30, 3 << 20, 0].map(|available| together(&plain, "flex", Some(available)));
    assert!(within[0] == 8 && within[2] == 1 && within.is_sorted_by(|one, next| one >= next), "{within:?}");
}

fn with_size(job: &Job, side: usize) -> Job {
    let mut job = job.clone();
    (job.request.width, job.request.height) = (Some(side), Some(side));
    job
}

#[test]
fn loras_come_and_go_without_loading_the_model_anew() {
    let (_folder, library) = library();
    let prompts =
        ["a house <lora:ink:0.5>", "a house", "a house <lora:chalk:1><lora:ink:0.25>", "a house <lora:chalk:1>"];
    let mut warm = engine(&library, 1);
    let plain = draw(&mut warm, &job("one", "a house")).image;
    for prompt in prompts {
        let alone = draw(&mut engine(&library, 1), &job("one", prompt)).image;
        assert!(draw(&mut warm, &job("one", prompt)).image == alone, "{prompt}");
        assert_eq!(alone == plain, prompt == "a house");
    }
    let named = Job {
        loras: vec![serde_json::from_str(r#"{"name": "ink", "weight": 0.5}"#).unwrap()],
        ..job("one", "a house")
    };
    assert!(draw(&mut warm, &named).image == draw(&mut warm, &job("one", prompts[0])).image);
}

/// A library like [`library`]'s, also of a LoRA for few steps and of a model with the name of one.
fn library_with_few_steps() -> (TempDir, Arc<Library>) {
    let (folder, _) = library();
    let at = |name: &str| folder.path().join(name);
    write_tensors(&lora("to_v"), &at("loras/lcm-lora.safetensors"));
    std::os::unix::fs::symlink(MODEL.path(), at("models/Hyper-SDXL-1step-Unet")).unwrap();
    let folders = LibraryFolders { models: Some(at("models")), loras: Some(at("loras")), ..LibraryFolders::default() };
    let library = Library::new(folders).unwrap();
    (folder, Arc::new(library))
}

/// A job that leaves the number of steps open.
fn open_job(model: &str, prompt: &str) -> Job {
    let job = job(model, prompt);
    Job { request: Request { steps: None, ..job.request }, ..job }
}

#[test]
fn a_lora_for_few_steps_decides_for_the_jobs_that_name_it_whatever_is_loaded() {
    let (_folder, library) = library_with_few_steps();
    let mut engine = engine(&library, 1);
    let few = open_job("one", "a house <lora:lcm-lora:1>");
    let mut steps = |job: &Job| engine.prepare(job).unwrap().planned().plan.settings.sampling.steps.value;
    for _ in 0..2 {
        assert_eq!(steps(&open_job("one", "a house")), 50);
        assert_eq!(steps(&few), 4);
        assert_eq!(steps(&open_job("one", "a house <lora:lcm-lora:0>")), 50);
        assert_eq!(steps(&open_job("one", "a house <lora:lcm-lora:1><lora:ink:1>")), 4);
    }
    let planned = engine.plan(&few).unwrap();
    let notes: Vec<&String> = planned.notices().notes.iter().filter(|note| note.contains("few steps")).collect();
    let [note] = notes[..] else { panic!("{notes:?}") };
    assert!(
        note.contains("lcm-lora.safetensors: made for few steps (LCM, by its name): lcm, 4 steps, no guidance"),
        "{note}"
    );
}

#[test]
fn an_image_of_few_steps_is_drawn_again_under_another_name() {
    let (_folder, library) = library_with_few_steps();
    let mut engine = engine(&library, 1);
    let drawn = draw(&mut engine, &open_job("Hyper-SDXL-1step-Unet", "a house"));
    let mut again = drawn.record.job().unwrap();
    again.model = Some("one".into());
    assert!(draw(&mut engine, &again).image == drawn.image);
    let larger =
        draw(&mut engine, &Job { hires: Some(HiresPass::default()), ..open_job("Hyper-SDXL-1step-Unet", "a house") });
    assert!(draw(&mut engine, &larger.record.job().unwrap()).image == larger.image);
}

#[test]
fn only_as_many_models_stay_loaded_as_are_kept() {
    let (_folder, library) = library();
    for (keep, expected) in [(1, vec!["two"]), (2, vec!["two", "one"])] {
        let mut engine = engine(&library, keep);
        for name in ["two", "one", "two"] {
            draw(&mut engine, &job(name, "a house"));
        }
        assert_eq!(engine.loaded(), expected);
    }
    let mut engine = engine(&library, 2);
    engine.plan(&job("one", "a house")).unwrap();
    assert!(engine.loaded().is_empty());
}

#[test]
fn a_second_pass_is_part_of_the_job_and_of_its_calls() {
    let (_folder, library) = library();
    let mut engine = engine(&library, 1);
    let hires = Job { hires: Some(HiresPass { strength: 1.0, ..HiresPass::default() }), ..job("one", "a house") };
    assert_eq!((engine.plan(&hires).unwrap().calls(), engine.plan(&hires).unwrap().size()), (6, (64, 64)));
    let drawn = draw(&mut engine, &hires);
    assert_eq!((drawn.image.width, drawn.image.height), (64, 64));
    for part in ["Hires resize: 64x64", "Hires upscaler: Lanczos", "Model: one", "Version: sd-burn"] {
        assert!(drawn.parameters.contains(part), "{part}: {}", drawn.parameters);
    }
}

#[test]
fn a_cancelled_job_says_so() {
    let (_folder, library) = library();
    let error = engine(&library, 1).prepare(&job("one", "a house")).unwrap().draw(0, &mut |_| ControlFlow::Break(()));
    assert!(error.unwrap_err().is_cancelled());
}

#[test]
fn names_that_are_not_there_are_refused_with_those_that_are() {
    let (_folder, library) = library();
    let mut engine = engine(&library, 1);
    let refiner = RefinerPass { model: "three".into(), start: 0.8 };
    for (job, words) in [
        (job("three", "a house"), ["model \"three\"", "it has one, two"]),
        (job("one", "a <lora:pen:1>"), ["LoRA \"pen\"", "it has chalk, ink"]),
        (Job { vae: Some("x".into()), ..job("one", "") }, ["autoencoder \"x\"", "`vae_dir`"]),
        (Job { refiner: Some(refiner), ..job("one", "") }, ["model \"three\"", "it has one, two"]),
        (Job { model: None, ..job("one", "") }, ["`model` is missing", "name one"]),
        (Job { count: 0, ..job("one", "") }, ["`count` 0", "at least 1"]),
    ] {
        let error = engine.plan(&job).unwrap_err();
        assert!(error.is_usage(), "{error}");
        assert!(words.iter().all(|word| error.to_string().contains(word)), "{words:?} in {error}");
    }
    for name in ["../loras/ink", "/etc/passwd", MODEL.path().to_str().unwrap()] {
        assert!(matches!(engine.plan(&job(name, "")), Err(EngineError::Unknown { .. })), "{name}");
    }
}

#[test]
fn an_image_can_be_drawn_again_from_what_it_says() {
    let (_folder, library) = library();
    let mut engine = engine(&library, 1);
    let drawn = draw(&mut engine, &Job { count: 1, ..job("one", "a house, <lora:ink:0.5>\nby the sea") });
    let record = Record::from_json(&drawn.record.to_json()).unwrap();
    assert_eq!(record.files.iter().map(|file| file.kind.as_str()).collect::<Vec<_>>(), ["model", "LoRA"]);
    let again = record.job().unwrap();
    assert!(draw(&mut engine, &again).image == drawn.image);
    let ink = library.find(Kind::Lora, "ink").unwrap();
    assert_eq!(record.files[1].sha256, library.hash(&ink).unwrap());
    let files = drawn.encode(Format::Png).unwrap();
    assert!(Image::decode(&files).unwrap() == drawn.image);
}

#[test]
fn images_of_a_job_are_hashes_in_its_record_until_they_are_given() {
    let (_folder, library) = library();
    let mut engine = engine(&library, 1);
    let image = Image { width: 32, height: 32, rgb: (0..32 * 32 * 3).map(|i| (i % 251) as u8).collect() };
    let mask =
        Mask { width: 32, height: 32, values: (0..32 * 32).map(|i| if i % 32 < 16 { 0 } else { 255 }).collect() };
    let mut job = job("one", "a house");
    job.request.init = Some(Init::Image(image.clone()));
    job.request.inpaint = Some(Inpaint::new(mask.clone()));
    (job.request.width, job.request.height) = (None, None);
    let drawn = draw(&mut engine, &job);
    let mut record = drawn.record.clone();
    assert!(record.to_json().len() < 4000 && record.missing().len() == 2, "{}", record.to_json());
    let error = record.job().unwrap_err().to_string();
    assert!(error.contains("made from another image"), "{error}");
    assert!(!record.give(&Image { width: 32, height: 32, rgb: vec![1; 3072] }));
    assert!(record.give(&image) && record.give(&mask.to_image()));
    assert!(draw(&mut engine, &record.job().unwrap()).image == drawn.image);
}
