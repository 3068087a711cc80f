//! AUTOMATIC1111's interface, asked with the bodies that its clients send.

use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sd_image::{Format, Image};
use serde_json::{Value, json};

use crate::support::Served;

/// What webuiapi 0.9.17 sends for `txt2img(prompt=…, seed=7, width=32, height=32)`.
fn webuiapi_txt2img() -> Value {
    let body = r#"{
        "enable_hr": false, "hr_scale": 2, "hr_upscaler": "Latent", "hr_second_pass_steps": 0, "hr_resize_x": 0, "hr_resize_y": 0,
        "hr_checkpoint_name": null, "hr_sampler_name": null, "hr_scheduler": null, "hr_prompt": "", "hr_negative_prompt": "",
        "denoising_strength": 0.7, "firstphase_width": 0, "firstphase_height": 0, "prompt": "a lighthouse", "styles": [], "seed": 7,
        "subseed": -1, "subseed_strength": 0.0, "seed_resize_from_h": 0, "seed_resize_from_w": 0, "batch_size": 1, "n_iter": 1,
        "steps": 20, "cfg_scale": 7.0, "width": 32, "height": 32, "restore_faces": false, "tiling": false, "do_not_save_samples": false,
        "do_not_save_grid": false, "negative_prompt": "", "eta": 1.0, "s_churn": 0, "s_tmax": 0, "s_tmin": 0, "s_noise": 1,
        "override_settings": {}, "override_settings_restore_afterwards": true, "sampler_name": "Euler a", "scheduler": "automatic",
        "sampler_index": "Euler a", "script_name": null, "script_args": [], "send_images": true, "save_images": false,
        "alwayson_scripts": {"ControlNet": {"args": []}}
    }"#;
    serde_json::from_str(body).unwrap()
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn images(answer: &Value) -> Vec<Image> {
    let texts = answer["images"].as_array().unwrap_or_else(|| panic!("no images: {answer}"));
    texts.iter().map(|text| Image::decode(&STANDARD.decode(text.as_str().unwrap()).unwrap()).unwrap()).collect()
}

fn info(answer: &Value) -> Value {
    serde_json::from_str(answer["info"].as_str().expect("a text")).unwrap()
}

fn picture(width: usize, height: usize) -> String {
    let image = Image { width, height, rgb: (0..3 * width * height).map(|i| (i % 251) as u8).collect() };
    STANDARD.encode(image.encode(Format::Png, &[]).unwrap())
}

/// Asks again until an answer is as it should be.
fn until(server: &Served, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let (status, answer) = server.get(path);
        assert_eq!(status, 200, "{answer}");
        if wanted(&answer) {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "still {answer}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn idle(progress: &Value) -> bool {
    progress["progress"] == 0.0 && progress["state"]["job_count"] == 0
}

#[test]
fn webuiapi_gets_images_parameters_and_info_as_a_text() {
    let server = Served::new();
    let (status, answer) = server.post("/sdapi/v1/txt2img", &webuiapi_txt2img());
    assert_eq!(status, 200, "{answer}");
    let [image] = &images(&answer)[..] else { panic!("one image") };
    assert_eq!((image.width, image.height), (32, 32));
    assert_eq!((&answer["parameters"]["seed"], &answer["parameters"]["steps"]), (&json!(7), &json!(20)));
    let info = info(&answer);
    assert_eq!((&info["seed"], &info["all_seeds"], &info["prompt"]), (&json!(7), &json!([7]), &json!("a lighthouse")));
    assert_eq!((&info["width"], &info["steps"], &info["index_of_first_image"]), (&json!(32), &json!(20), &json!(0)));
    assert_eq!((info["infotexts"].as_array().unwrap().len(), &info["warnings"]), (1, &json!([])));
    let again = server.post("/sdapi/v1/txt2img", &webuiapi_txt2img()).1;
    assert_eq!(images(&again), images(&answer));
}

#[test]
fn a_batch_has_the_seeds_that_follow() {
    let server = Served::new();
    let body = with(webuiapi_txt2img(), json!({"batch_size": 2, "n_iter": 2}));
    let (_, answer) = server.post("/sdapi/v1/txt2img", &body);
    assert_eq!(info(&answer)["all_seeds"], json!([7, 8, 9, 10]));
    let third = server.post("/sdapi/v1/txt2img", &with(webuiapi_txt2img(), json!({"seed": 9}))).1;
    assert_eq!(images(&answer)[2], images(&third)[0]);
    let body =
        with(webuiapi_txt2img(), json!({"n_iter": 2, "subseed": 4, "subseed_strength": 0.5, "send_images": false}));
    let (_, answer) = server.post("/sdapi/v1/txt2img", &body);
    let info = info(&answer);
    assert_eq!((&info["all_seeds"], &info["all_subseeds"]), (&json!([7, 7]), &json!([4, 5])));
    assert_eq!(answer["images"], json!([]));
}

#[test]
fn open_webui_reads_and_writes_all_options() {
    let server = Served::new();
    // It sends the header even if it has no key.
    let answer = server.send("GET", "/sdapi/v1/options", &[("authorization", "")], &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (_, mut options) = server.get("/sdapi/v1/options");
    options["of_an_extension"] = json!([1, {"a": null}]);
    assert_eq!(server.post("/sdapi/v1/options", &options), (200, Value::Null));
    assert_eq!(server.get("/sdapi/v1/options"), (200, options));
    let (_, models) = server.get("/sdapi/v1/sd-models");
    for model in models.as_array().unwrap() {
        assert!(model["title"].is_string() && model["model_name"].is_string(), "{model}");
    }
    // These are all fields that it sends.
    let body = json!({"prompt": "a lighthouse", "batch_size": 1, "width": 512, "height": 512});
    let (status, answer) = server.post("/sdapi/v1/txt2img", &body);
    assert_eq!((status, images(&answer).len()), (200, 1));
    assert!(answer["info"].is_string());
}

#[test]
fn sillytavern_finds_its_lists_and_waits_until_nothing_is_drawn() {
    let server = Served::new();
    for path in ["options", "samplers", "schedulers", "upscalers", "latent-upscale-modes", "sd-vae", "sd-models"] {
        let (status, answer) = server.get(&format!("/sdapi/v1/{path}"));
        assert!(status == 200 && (answer.is_array() || path == "options"), "{path}: {answer}");
    }
    assert!(server.get("/sdapi/v1/options").1.get("forge_preset").is_none(), "this means Forge");
    assert!(idle(&server.get("/sdapi/v1/progress").1));
    // It sends all that its page has, and more.
    let body = json!({
        "url": "http://localhost:7860", "auth": "", "prompt": "a lighthouse", "negative_prompt": "rain", "sampler_name": "DPM++ 2M",
        "scheduler": "Karras", "steps": 20, "cfg_scale": 7, "width": 64, "height": 64, "restore_faces": false, "enable_hr": false,
        "hr_upscaler": "Latent", "hr_scale": 1, "hr_additional_modules": [], "denoising_strength": 0.7, "hr_second_pass_steps": 0,
        "seed": -1, "override_settings": {"CLIP_stop_at_last_layers": 1, "sd_vae": ""}, "override_settings_restore_afterwards": true,
        "clip_skip": 1, "save_images": true, "send_images": true, "do_not_save_grid": false, "do_not_save_samples": false,
    });
    let (status, answer) = server.post("/sdapi/v1/txt2img", &body);
    assert_eq!((status, images(&answer).len()), (200, 1), "{answer}");
}

#[test]
fn an_interrupted_request_answers_with_what_is_finished() {
    let server = Served::new();
    let body = with(webuiapi_txt2img(), json!({"prompt": "slow", "n_iter": 50}));
    thread::scope(|scope| {
        let drawing = scope.spawn(|| server.post("/sdapi/v1/txt2img", &body));
        let progress = until(&server, "/sdapi/v1/progress", |progress| progress["state"]["job_no"].as_u64() >= Some(1));
        assert_eq!(progress["state"]["job_count"], 50);
        assert!(progress["progress"].as_f64().unwrap() > 0.02, "{progress}");
        assert_eq!(server.post("/sdapi/v1/interrupt", &json!({})), (200, json!({})));
        let (status, answer) = drawing.join().unwrap();
        let count = images(&answer).len();
        assert!(status == 200 && (1..50).contains(&count), "{count} images");
        assert_eq!(info(&answer)["all_seeds"].as_array().unwrap().len(), count);
    });
    until(&server, "/sdapi/v1/progress", idle);
}

#[test]
fn a_skipped_image_is_left_out() {
    let server = Served::new();
    let body = with(webuiapi_txt2img(), json!({"prompt": "slow", "n_iter": 3}));
    thread::scope(|scope| {
        let drawing = scope.spawn(|| server.post("/sdapi/v1/txt2img", &body));
        until(&server, "/sdapi/v1/progress", |progress| progress["state"]["sampling_step"].as_u64() >= Some(1));
        assert_eq!(server.post("/sdapi/v1/skip", &json!({})), (200, Value::Null));
        let (_, answer) = drawing.join().unwrap();
        assert_eq!(images(&answer).len(), 2);
    });
}

#[test]
fn progress_shows_the_image() {
    let server = Served::new();
    let body = with(webuiapi_txt2img(), json!({"prompt": "slow", "n_iter": 50}));
    thread::scope(|scope| {
        let drawing = scope.spawn(|| server.post("/sdapi/v1/txt2img", &body));
        let progress = until(&server, "/sdapi/v1/progress", |progress| progress["current_image"].is_string());
        let preview = STANDARD.decode(progress["current_image"].as_str().unwrap()).unwrap();
        assert!(Image::decode(&preview).is_ok());
        let (_, without) = server.get("/sdapi/v1/progress?skip_current_image=true");
        assert_eq!(without["current_image"], Value::Null);
        server.post("/sdapi/v1/interrupt", &json!({}));
        drawing.join().unwrap();
    });
}

#[test]
fn images_and_masks_are_drawn_anew() {
    let server = Served::new();
    let body = with(
        webuiapi_txt2img(),
        json!({"init_images": [format!("data:image/png;base64,{}", picture(32, 32))], "image_cfg_scale": 1.5}),
    );
    let (status, answer) = server.post("/sdapi/v1/img2img", &body);
    assert_eq!((status, images(&answer).len()), (200, 1), "{answer}");
    assert_eq!(answer["parameters"]["init_images"], Value::Null);
    let body = with(body, json!({"mask": picture(32, 32), "include_init_images": true}));
    let (status, answer) = server.post("/sdapi/v1/img2img", &body);
    assert_eq!(status, 200, "{answer}");
    assert!(answer["parameters"]["init_images"].is_array() && answer["parameters"]["mask"].is_string());
}

#[test]
fn options_of_a_request_last_only_if_it_says_so() {
    let server = Served::new();
    let jpeg = json!({"override_settings": {"samples_format": "jpg"}});
    let (_, answer) = server.post("/sdapi/v1/txt2img", &with(webuiapi_txt2img(), jpeg.clone()));
    let bytes = STANDARD.decode(answer["images"][0].as_str().unwrap()).unwrap();
    assert_eq!(bytes[..3], [0xff, 0xd8, 0xff]);
    assert_eq!(server.get("/sdapi/v1/options").1["samples_format"], "png");
    let lasting = with(jpeg, json!({"override_settings_restore_afterwards": false}));
    server.post("/sdapi/v1/txt2img", &with(webuiapi_txt2img(), lasting));
    assert_eq!(server.get("/sdapi/v1/options").1["samples_format"], "jpg");
}

#[test]
fn images_are_enlarged_preprocessed_and_read() {
    let server = Served::new();
    let body = json!({"image": picture(20, 10), "upscaler_1": "Lanczos", "upscaling_resize": 2, "resize_mode": 0});
    let (_, answer) = server.post("/sdapi/v1/extra-single-image", &body);
    let image = Image::decode(&STANDARD.decode(answer["image"].as_str().unwrap()).unwrap()).unwrap();
    assert_eq!((image.width, image.height), (40, 20));
    let body = json!({"imageList": [{"data": picture(20, 10), "name": "a"}, {"data": picture(8, 8), "name": "b"}], "upscaler_1": "Nearest"});
    let sizes: Vec<_> =
        images(&server.post("/sdapi/v1/extra-batch-images", &body).1).iter().map(|image| image.width).collect();
    assert_eq!(sizes, [40, 16]);
    let body = json!({"controlnet_module": "canny", "controlnet_input_images": [picture(20, 10)], "controlnet_processor_res": 30});
    let (_, answer) = server.post("/controlnet/detect", &body);
    assert_eq!((images(&answer)[0].width, images(&answer)[0].height, &answer["info"]), (60, 30, &json!("Success")));
    let (_, drawn) = server.post("/sdapi/v1/txt2img", &webuiapi_txt2img());
    let (_, read) = server.post("/sdapi/v1/png-info", &json!({"image": drawn["images"][0]}));
    assert_eq!(read["info"], info(&drawn)["infotexts"][0]);
    let (_, read) = server.post("/sdapi/v1/png-info", &json!({"image": picture(4, 4)}));
    assert_eq!(read, json!({"info": "", "items": {}, "parameters": {}}));
}

#[test]
fn errors_have_the_forms_of_fastapi_and_automatic1111() {
    let server = Served::new();
    let (status, answer) = server.post("/sdapi/v1/txt2img", &json!({"steps": "many"}));
    let detail =
        json!([{"loc": ["body", "steps"], "msg": "value is not a valid integer", "type": "type_error.integer"}]);
    assert_eq!((status, answer), (422, json!({"detail": detail})));
    for (path, body, status, detail) in [
        ("txt2img", json!({"sampler_name": "Eulerian"}), 400, "Sampler not found"),
        ("txt2img", json!({"script_name": "X/Y/Z plot"}), 422, "Script 'X/Y/Z plot' not found"),
        ("img2img", json!({"prompt": "a"}), 404, "Init image not found"),
        ("img2img", json!({"init_images": ["a"]}), 422, "Invalid encoded image"),
        ("img2img", json!({"init_images": ["http://127.0.0.1/a.png"]}), 422, "Invalid encoded image"),
        ("txt2img", json!({"batch_size": 1_000_000_000}), 413, "batch_size"),
        ("txt2img", json!({"prompt": "fail"}), 500, ""),
    ] {
        let (found, answer) = server.post(&format!("/sdapi/v1/{path}"), &body);
        assert_eq!(found, status, "{path} {body}: {answer}");
        assert!(answer["detail"].as_str().unwrap().starts_with(detail), "{path} {body}: {answer}");
        assert!(answer["error"].is_string() && answer["errors"].is_string(), "{path} {body}: {answer}");
    }
    assert_eq!(server.get("/sdapi/v1/nothing").0, 404);
}
