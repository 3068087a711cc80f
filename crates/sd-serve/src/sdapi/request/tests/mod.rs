mod images;
mod units;

use sd_engine::HiresSize;
use sd_image::Format;
use sd_pipeline::SamplerOption;
use serde_json::json;

use super::*;
use crate::sdapi::picture::png_base64;
use crate::sdapi::settings::Settings;

fn read(kind: Kind, body: Value) -> Result<Wanted, SdapiError> {
    let Value::Object(body) = body else { panic!("not an object") };
    let overrides = body.get("override_settings").and_then(Value::as_object).cloned().unwrap_or_default();
    super::read(kind, &body, &Settings::default().chosen(&overrides)?, &Limits::default())
}

fn txt2img(body: Value) -> Wanted {
    read(Kind::Txt2img, body).unwrap_or_else(|error| panic!("{error}"))
}

fn img2img(body: Value) -> Wanted {
    read(Kind::Img2img, body).unwrap_or_else(|error| panic!("{error}"))
}

fn error(kind: Kind, body: Value) -> String {
    read(kind, body).expect_err("refused").to_string()
}

/// An image of one colour in base64.
fn picture(width: usize, height: usize, value: u8) -> String {
    png_base64(&Image { width, height, rgb: vec![value; 3 * width * height] }, &[]).unwrap()
}

#[test]
fn what_is_not_sent_is_left_to_the_model() {
    let wanted = txt2img(json!({"prompt": "a lighthouse"}));
    let seed = wanted.job.request.seed;
    assert_eq!(wanted.job, Job::new(Request { seed, ..Request::new("a lighthouse") }));
    assert!(seed <= u64::from(u32::MAX) && wanted.send_images && wanted.warnings.is_empty());
}

#[test]
fn a_request_is_a_job() {
    let wanted = txt2img(json!({
        "prompt": "a lighthouse", "negative_prompt": "rain", "seed": 7, "steps": "12", "cfg_scale": 6.5,
        "width": 515, "height": 64, "sampler_name": "Euler a", "batch_size": 2, "n_iter": 3, "tiling": true,
        "override_settings": {"sd_model_checkpoint": "anime.safetensors [0123456789]", "sd_vae": "sharp.pt", "CLIP_stop_at_last_layers": 2},
        "refiner_checkpoint": "refiner", "refiner_switch_at": 0.75, "of_tomorrow": {"a": 1},
    }));
    let Job { request, model, vae, refiner, count, .. } = &wanted.job;
    assert_eq!((model.as_deref(), vae.as_deref()), (Some("anime.safetensors [0123456789]"), Some("sharp.pt")));
    assert_eq!((*count, request.seed, request.steps, request.guidance), (6, 7, Some(12), Some(6.5)));
    assert_eq!((request.width, request.height, request.clip_skip), (Some(512), Some(64), Some(2)));
    assert_eq!(request.negative_prompt.as_deref(), Some("rain"));
    assert_eq!(request.sampler.unwrap().to_string(), "euler-a");
    assert_eq!((request.seamless, refiner.as_ref().unwrap().start), (Seamless::Both, 0.75));
    assert_eq!(wanted.jobs().count(), 1);
}

#[test]
fn a_seed_of_minus_one_is_another_one_each_time() {
    let seeds = [0; 8].map(|_| txt2img(json!({"seed": -1, "subseed": -1})).job.request.seed);
    assert!(seeds.iter().any(|seed| *seed != seeds[0]));
    assert_eq!(txt2img(json!({"seed": "42"})).job.request.seed, 42);
}

#[test]
fn variations_share_the_first_seed() {
    let wanted = txt2img(json!({"seed": 7, "subseed": 20, "subseed_strength": 0.25, "batch_size": 3}));
    let found: Vec<_> =
        wanted.jobs().map(|job| (job.count, job.request.seed, job.request.variation.unwrap())).collect();
    let wanted = [20, 21, 22].map(|seed| (1, 7, Variation { seed, strength: 0.25 }));
    assert_eq!(found, wanted);
}

#[test]
fn options_go_to_samplers_that_have_them() {
    let all = json!({"sampler_name": "Euler", "eta": 1.0, "s_churn": 0.5, "s_tmin": 0, "s_tmax": 0, "s_noise": 1});
    assert_eq!(txt2img(all).job.request.options, [(SamplerOption::SChurn, 0.5)]);
    let ancestral = json!({"sampler_name": "Euler a", "eta": 0, "s_churn": 0.5, "s_noise": 0.9});
    assert_eq!(txt2img(ancestral).job.request.options, [(SamplerOption::Eta, 0.0), (SamplerOption::SNoise, 0.9)]);
    let wrong = error(Kind::Txt2img, json!({"sampler_name": "Euler a", "eta": 3}));
    assert_eq!(wrong, "body.eta: 3: expected 0 to 1");
}

#[test]
fn a_second_drawing_has_a_size_an_upscaler_and_a_strength() {
    let hires = |body: Value| {
        let Value::Object(mut fields) = body else { panic!("not an object") };
        fields.insert("enable_hr".into(), json!(true));
        let wanted = txt2img(Value::Object(fields));
        (wanted.job.hires.unwrap(), wanted.job.request, wanted.warnings)
    };
    let (pass, _, warnings) = hires(json!({"width": 512, "height": 768, "steps": 20}));
    assert_eq!((pass.size, pass.steps, pass.strength), (HiresSize::Factor(2.0), None, 0.75));
    assert_eq!((pass.upscaler.as_str(), warnings.len()), ("latent", 0));
    let (pass, ..) = hires(json!({"width": 512, "height": 768, "hr_resize_x": 1000, "hr_upscaler": "Lanczos"}));
    assert_eq!((pass.size, pass.upscaler.as_str()), (HiresSize::Size(1000, 1496), "lanczos"));
    let (pass, request, _) =
        hires(json!({"width": 1024, "height": 1024, "firstphase_width": 512, "firstphase_height": 512}));
    assert_eq!((pass.size, request.width, request.height), (HiresSize::Size(1024, 1024), Some(512), Some(512)));
    let (pass, _, warnings) = hires(json!({"hr_second_pass_steps": 10, "denoising_strength": 0, "hr_prompt": "other"}));
    assert_eq!((pass.strength * 10.0) as usize, 1);
    assert_eq!((pass.steps, warnings.len()), (Some(10), 1));
    assert!(
        error(Kind::Txt2img, json!({"enable_hr": true, "hr_upscaler": "Latent (nearest)"})).contains("hr_upscaler")
    );
    assert_eq!(txt2img(json!({"enable_hr": false, "hr_scale": 99})).job.hires, None);
}

#[test]
fn what_has_no_effect_is_said() {
    let wanted = txt2img(
        json!({"restore_faces": true, "styles": ["ink"], "s_min_uncond": 1, "seed_resize_from_w": 8, "save_images": true}),
    );
    let names: Vec<&str> = wanted.warnings.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(names, ["restore_faces", "seed_resize_from_w", "s_min_uncond", "styles", "save_images"]);
    let neutral =
        json!({"restore_faces": false, "styles": [], "seed_resize_from_h": -1, "s_min_uncond": 0, "hr_prompt": ""});
    assert!(txt2img(neutral).warnings.is_empty());
}

#[test]
fn wrong_requests_name_their_field() {
    for (kind, body, message) in [
        (Kind::Txt2img, json!({"steps": "many"}), "body.steps: value is not a valid integer"),
        (Kind::Txt2img, json!({"steps": 0}), "body.steps: 0: expected 1 to 1000000"),
        (Kind::Txt2img, json!({"prompt": 7}), "body.prompt: str type expected"),
        (Kind::Txt2img, json!({"width": -8}), "body.width: -8: expected 1 to 1048576"),
        (Kind::Txt2img, json!({"cfg_scale": []}), "body.cfg_scale: value is not a valid float"),
        (
            Kind::Txt2img,
            json!({"batch_size": 1e9, "n_iter": 1e9}),
            "batch_size × n_iter is 1000000000000000000, but a request may have 100 images",
        ),
        (
            Kind::Txt2img,
            json!({"alwayson_scripts": {"controlnet": {"args": [7]}}}),
            "body.alwayson_scripts.controlnet.args.0: value is not a valid dict",
        ),
        (Kind::Img2img, json!({}), "Init image not found"),
        (Kind::Img2img, json!({"init_images": []}), "Init image not found"),
        (Kind::Img2img, json!({"init_images": [7]}), "body.init_images: expected images in base64"),
    ] {
        assert_eq!(error(kind, body), message);
    }
    assert!(error(Kind::Img2img, json!({"init_images": ["§§§"]})).starts_with("Invalid encoded image"));
    assert!(
        error(Kind::Img2img, json!({"init_images": ["http://127.0.0.1/a.png"]})).starts_with("Invalid encoded image")
    );
    assert!(error(Kind::Txt2img, json!({"sampler_name": "Eulerian"})).starts_with("Sampler not found"));
}

#[test]
fn the_format_of_answers_is_an_option() {
    let chosen = |overrides: Value| Settings::default().chosen(overrides.as_object().unwrap()).unwrap();
    assert_eq!(chosen(json!({})).format, Format::Png);
    assert_eq!(chosen(json!({"samples_format": "JPG", "jpeg_quality": 90})).format, Format::Jpeg { quality: 90 });
    assert!(!chosen(json!({"enable_pnginfo": false})).metadata);
}
