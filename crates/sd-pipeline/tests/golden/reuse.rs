//! Images drawn with what earlier calls of the network kept, against DeepCache and T-GATE, and to the bit where nothing is reused.

use std::ops::ControlFlow;

use sd_golden::{Kind, TinyModel, data, relative_difference, write_control};
use sd_pipeline::{
    ControlFile, ControlImage, DType, DeepCache, Device, Fast, GuidanceOptions, Image, Init, Inpaint, Interval, Mask,
    Model, Pipeline, Plan, Request, Reuse, Seamless, Step, Syntax, Uneven,
};
use serde_json::{Map, Value};

use crate::pipeline;

/// With every weight changed by a relative 2e-6, latents of these networks change by at most 1e-4 of their size.
const CLOSE: f32 = 1e-3;

fn set(file: &str) -> std::path::PathBuf {
    data().join("reuse").join(file)
}

fn read(file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(set(file)).unwrap()).unwrap()
}

fn cache(interval: usize, branch: usize) -> Reuse {
    Reuse { deep_cache: Some(DeepCache { interval, branch, uneven: None }), ..Reuse::default() }
}

fn gate(share: f64) -> Reuse {
    Reuse { text_gate: Some(share), ..Reuse::default() }
}

fn every(n: usize) -> Reuse {
    Reuse { guidance_every: Some(n), ..Reuse::default() }
}

fn merge(ratio: f64) -> Reuse {
    Reuse { merge_tokens: Some(ratio), ..Reuse::default() }
}

fn request(reuse: Reuse) -> Request {
    Request {
        negative_prompt: Some("blurry".into()),
        width: Some(64),
        height: Some(48),
        steps: Some(6),
        sampler: Some("dpm++2m".parse().unwrap()),
        seed: 3,
        reuse,
        ..Request::new("a red house")
    }
}

fn latents(pipeline: &Pipeline, request: &Request) -> Vec<f32> {
    pipeline.draw(request).unwrap().latents.values
}

#[test]
fn latents_are_those_of_deep_cache_and_t_gate() {
    let cases: Map<String, Value> = serde_json::from_value(read("cases.json")).unwrap();
    for kind in [Kind::Sd1, Kind::Sd2v, Kind::Sdxl] {
        let pipeline = pipeline(kind);
        for (name, case) in cases.iter().filter(|(_, case)| case["kind"] == kind.name()) {
            let text = |key: &str| case[key].as_str().map(str::to_string);
            let number = |key: &str| case[key].as_u64().map(|number| number as usize);
            let request = Request {
                prompt: text("prompt"),
                negative_prompt: text("negative"),
                prompt_syntax: Syntax::A1111,
                width: Some(case["size"][0].as_u64().unwrap() as usize),
                height: Some(case["size"][1].as_u64().unwrap() as usize),
                sampler: Some("ddim".parse().unwrap()),
                steps: number("steps"),
                seed: case["seed"].as_u64().unwrap(),
                guidance: case["guidance"].as_f64(),
                reuse: serde_json::from_value(case["reuse"].clone()).unwrap(),
                ..Request::default()
            };
            let found = pipeline.draw(&request).unwrap().latents;
            let error = relative_difference(&found.values, &found.shape, &set("latents.safetensors"), name);
            assert!(error < CLOSE, "{name}: relative error {error:.1e}");
        }
    }
}

#[test]
fn uneven_calls_are_those_of_deep_cache() {
    for case in read("full_calls.json").as_array().unwrap() {
        let number = |key: &str| case[key].as_u64().unwrap() as usize;
        let uneven = Some(Uneven { center: number("center"), power: case["power"].as_f64().unwrap() });
        let cache = DeepCache { interval: number("interval"), branch: 0, uneven };
        let found = cache.full_calls(number("calls")).ok();
        let expected: Option<Vec<usize>> = serde_json::from_value(case["full"].clone()).unwrap();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn values_that_reuse_nothing_change_no_bit() {
    for kind in [Kind::Sd1, Kind::Sdxl] {
        let pipeline = pipeline(kind);
        let plain = latents(&pipeline, &request(Reuse::default()));
        for reuse in [cache(1, 0), cache(1, 4), gate(1.0), every(1), merge(0.0)] {
            assert_eq!(latents(&pipeline, &request(reuse)), plain, "{reuse:?}");
        }
        for reuse in [cache(2, 0), cache(2, 4), gate(0.5), every(2), merge(0.5)] {
            assert_ne!(latents(&pipeline, &request(reuse)), plain, "{reuse:?}");
        }
    }
}

/// Everything at once, with guidance in a part of the steps, prompts of phases, images that steer, masks, several sizes and samplers.
#[test]
fn reuse_works_together_with_everything_else() {
    let all = Reuse { merge_tokens: Some(0.4), guidance_every: Some(2), text_gate: Some(0.5), ..cache(2, 3) };
    let pixels = (0..64 * 48 * 3).map(|i| (i % 251) as u8).collect();
    let image = Image { width: 64, height: 48, rgb: pixels };
    let mask =
        Mask { width: 64, height: 48, values: (0..64 * 48).map(|i| if i % 64 < 32 { 255 } else { 0 }).collect() };
    let interval = GuidanceOptions { interval: Interval { from: 0.2, to: 0.8 }, ..GuidanceOptions::default() };
    let inpainting = Request {
        init: Some(Init::Image(image)),
        inpaint: Some(Inpaint::new(mask)),
        strength: Some(0.9),
        ..request(all)
    };
    let samplers = ["heun", "plms", "restart", "euler-a", "unipc"];
    let samplers = samplers.map(|name| Request { sampler: Some(name.parse().unwrap()), ..request(all) });
    let requests = [
        Request { guidance: Some(1.0), ..request(all) },
        Request { guidance_options: interval, ..request(all) },
        Request { prompt: Some("a [red:blue:0.3] house".into()), prompt_syntax: Syntax::A1111, ..request(all) },
        Request { width: Some(40), height: Some(24), ..request(all) },
        Request { seamless: Seamless::Both, vae_tiling: true, ..request(all) },
        inpainting,
    ];
    for kind in [Kind::Sd1, Kind::Sdxl] {
        let pipeline = pipeline(kind);
        for request in requests.iter().chain(&samplers) {
            let found = latents(&pipeline, request);
            assert!(found.iter().all(|value| value.is_finite()));
            let plain = Request { reuse: Reuse::default(), ..request.clone() };
            assert_ne!(found, latents(&pipeline, &plain), "{request:?}");
        }
    }
}

#[test]
fn images_drawn_together_have_the_bits_of_images_drawn_alone() {
    let pipeline = pipeline(Kind::Sd1);
    let reuse = Reuse { guidance_every: Some(2), text_gate: Some(0.7), merge_tokens: Some(0.3), ..cache(3, 1) };
    // A longer prompt has a call of its own.
    let long = ["a red house by the sea"; 20].join(", ");
    let plans: Vec<Plan> = ["a house", "a tree", &long]
        .iter()
        .zip(1..)
        .map(|(prompt, seed)| {
            let request =
                Request { prompt: Some((*prompt).into()), seed, prompt_syntax: Syntax::A1111, ..request(reuse) };
            pipeline.plan(&request).unwrap()
        })
        .collect();
    let together = pipeline.drawings(&plans).latents().unwrap();
    for (plan, together) in plans.iter().zip(together) {
        assert_eq!(pipeline.drawing(plan).latents().unwrap()[0].values, together.values);
    }
}

/// In between, the difference to the prompt's prediction is that of the last call: with the negative prompt equal to the prompt it is 0.
#[test]
fn guidance_that_adds_nothing_is_repeated_without_change() {
    let pipeline = pipeline(Kind::Sd1);
    let same = |reuse| Request { negative_prompt: Some("a red house".into()), ..request(reuse) };
    let (found, plain) = (latents(&pipeline, &same(every(3))), latents(&pipeline, &same(Reuse::default())));
    assert!(found.iter().zip(&plain).all(|(found, plain)| (found - plain).abs() < 1e-3));
}

#[test]
fn a_combination_is_what_it_says_and_each_part_can_be_replaced() {
    let pipeline = pipeline(Kind::Sd1);
    for fast in Fast::ALL {
        let preset = Request { fast: Some(fast), ..request(Reuse::default()) };
        assert_eq!(latents(&pipeline, &preset), latents(&pipeline, &request(fast.reuse())));
        let off = Reuse {
            deep_cache: "1".parse().ok(),
            text_gate: Some(1.0),
            merge_tokens: Some(0.0),
            guidance_every: Some(1),
        };
        let replaced = Request { reuse: off, ..preset };
        assert_eq!(latents(&pipeline, &replaced), latents(&pipeline, &request(Reuse::default())));
        assert_eq!(serde_json::from_value::<Fast>(serde_json::json!(fast.to_string())).unwrap(), fast);
    }
}

#[test]
fn what_cannot_be_reused_is_refused_with_a_reason() {
    let model = Model::open(TinyModel::new(Kind::Sd1).path()).unwrap();
    let refused = |request: Request, words: &[&str]| {
        let message = Plan::new(&model, &request).unwrap_err().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    };
    let with = |reuse, options| Request { guidance_options: options, ..request(reuse) };
    let options = GuidanceOptions::default;
    refused(request(cache(0, 0)), &["`deep_cache` 0", "at least 1"]);
    refused(request(cache(2, 12)), &["`deep_cache`", "branch 12", "from 0 to 11"]);
    let uneven = |center, power| DeepCache { uneven: Some(Uneven { center, power }), interval: 2, branch: 0 };
    let uneven = |center, power| Reuse { deep_cache: Some(uneven(center, power)), ..Reuse::default() };
    refused(request(uneven(2, 0.5)), &["`deep_cache`", "above 1"]);
    refused(request(uneven(3, 1.02)), &["`deep_cache`", "center"]);
    refused(request(gate(0.0)), &["`text_gate` 0", "above 0"]);
    refused(request(gate(f64::NAN)), &["`text_gate` NaN"]);
    refused(request(every(0)), &["`guidance_every` 0", "at least 1"]);
    refused(request(merge(0.75)), &["`merge_tokens` 0.75", "below 0.75"]);
    refused(with(cache(2, 0), GuidanceOptions { sag: 0.75, ..options() }), &["`deep_cache`", "`sag`", "middle"]);
    refused(with(gate(0.5), GuidanceOptions { pag: 3.0, ..options() }), &["`text_gate`", "`pag`"]);
    refused(with(gate(0.5), GuidanceOptions { perpendicular: Some(1.0), ..options() }), &["`text_gate`"]);
    refused(with(every(2), GuidanceOptions { plus_plus: true, ..options() }), &["`guidance_every`", "`cfg_plus_plus`"]);
    let parts = |reuse| Request { prompt: Some("a AND b".into()), prompt_syntax: Syntax::A1111, ..request(reuse) };
    refused(parts(gate(0.5)), &["`text_gate`", "several parts"]);
    refused(parts(every(2)), &["`guidance_every`", "several parts"]);
    let fastest = Request { fast: Some(Fast::Fastest), ..parts(Reuse::default()) };
    refused(fastest, &["`fast` fastest", "`text_gate`", "several parts"]);
    let adaptive = Request { sampler: Some("pf".parse().unwrap()), ..request(cache(2, 0)) };
    refused(adaptive, &["`deep_cache`", "measures its error"]);
}

/// A control network runs in full calls; in others its residuals are those of the last one.
#[test]
fn control_networks_and_reuse_work_together() {
    let (folder, device) = (tempfile::tempdir().unwrap(), Device::flex());
    let file = write_control(Kind::Sd1, "controlnet", folder.path());
    let tiny = TinyModel::new(Kind::Sd1);
    let mut model = Model::open(tiny.path()).unwrap();
    model.add_control(ControlFile::open(&file).unwrap()).unwrap();
    let pipeline = Pipeline::load(model, &device, DType::F32).unwrap();
    let pixels = (0..64 * 48 * 3).map(|i| (i % 201) as u8).collect();
    let control = ControlImage { end: 0.5, ..ControlImage::new(0, Image { width: 64, height: 48, rgb: pixels }) };
    let steered = |reuse, controls: Vec<ControlImage>| latents(&pipeline, &Request { controls, ..request(reuse) });
    let reuse = Reuse { text_gate: Some(0.7), ..cache(2, 1) };
    let found = steered(reuse, vec![control.clone()]);
    assert_ne!(found, steered(reuse, Vec::new()));
    assert_ne!(found, steered(Reuse::default(), vec![control]));
}

#[test]
fn arithmetic_counts_what_is_left() {
    let model = Model::open(TinyModel::new(Kind::Sd1).path()).unwrap();
    let of = |reuse, guidance: f64| {
        let request = Request { guidance: Some(guidance), steps: Some(10), ..request(reuse) };
        Plan::new(&model, &request).unwrap().arithmetic(&model).unwrap().unwrap()
    };
    let plain = of(Reuse::default(), 5.0);
    assert_eq!(plain.plain, plain.reused);
    assert_eq!(plain.plain, 2.0 * of(Reuse::default(), 1.0).plain);
    // 5 of 10 calls have one row instead of two.
    assert!((of(every(2), 5.0).factor() - 2.0 / 1.5).abs() < 1e-12);
    // 4 calls have two rows, 6 have one without cross-attention.
    assert!(of(gate(0.4), 5.0).factor() > 2.0 / 1.4);
    let (two, three) = (of(cache(2, 0), 5.0).factor(), of(cache(3, 0), 5.0).factor());
    assert!(1.0 < two && two < 2.0 && two < three && three < 2.5);
    assert!(of(cache(2, 11), 5.0).factor() < two);
}

#[test]
fn progress_counts_calls_by_their_work() {
    let pipeline = pipeline(Kind::Sd1);
    let done = |reuse| {
        let (plan, mut done) = (pipeline.plan(&request(reuse)).unwrap(), vec![0.0]);
        let mut watch = |step: &Step| {
            done.push(step.done);
            ControlFlow::Continue(())
        };
        pipeline.drawing(&plan).watch(&mut watch).latents().unwrap();
        done.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<f64>>()
    };
    let (plain, cached) = (done(Reuse::default()), done(cache(3, 0)));
    assert!(plain.iter().all(|share| (share - 1.0 / 6.0).abs() < 1e-12), "{plain:?}");
    let (full, cheap) = (cached[0], cached[1]);
    assert!(2.0 * cheap < full, "{cached:?}");
    let expected = [full, cheap, cheap, full, cheap, cheap];
    assert!(cached.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12), "{cached:?}");
    assert!((cached.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}
