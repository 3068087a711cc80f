use sd_engine::{Job, NamedAdapter};
use sd_image::Fit;
use sd_pipeline::{ControlMode, Preprocessor};
use serde_json::{Value, json};

use super::{error, picture, txt2img};
use crate::sdapi::request::{Kind, preprocessor};

#[test]
fn controlnet_units_are_read_in_all_their_forms() {
    let image = picture(8, 8, 3);
    let wanted = txt2img(json!({"width": 64, "height": 64, "alwayson_scripts": {"ControlNet": {"args": [
        {"image": image, "module": "canny", "model": "edges [d14c016b]", "weight": 0.8, "guidance_start": 0.1, "guidance_end": 0.9,
         "control_mode": ["My prompt is more important"], "threshold_a": 50, "threshold_b": 120.0, "resize_mode": "Just Resize"},
        {"enabled": false, "model": "off"},
        {"input_image": format!("data:image/png;base64,{image}"), "model": "poses", "control_mode": 2, "guidance": 0.5, "resize_mode": 2},
        {"image": {"image": image, "mask": null}, "module": "invert (from white bg & black line)", "model": "lines"},
        {"image": image, "module": "ip-adapter_clip_sd15", "model": "ip-adapter_sd15", "weight": 0.5},
        {"image": image, "model": "None"},
        null,
    ]}}}));
    let Job { controls, request, image_adapters, .. } = &wanted.job;
    assert_eq!(*controls, ["edges [d14c016b]", "poses", "lines"]);
    assert_eq!(*image_adapters, [NamedAdapter { name: "ip-adapter_sd15".into(), encoder: None }]);
    let [edges, poses, lines] = &request.controls[..] else { panic!("{} controls", request.controls.len()) };
    assert_eq!((edges.scale, edges.start, edges.end, edges.mode), (0.8, 0.1, 0.9, ControlMode::Prompt));
    assert_eq!((edges.preprocess, request.resize), (Preprocessor::Canny { low: 50, high: 120 }, Fit::Stretch));
    assert_eq!((poses.network, poses.end, poses.mode), (1, 0.5, ControlMode::Control));
    // The request fits images as the first unit does; others are fitted before.
    assert_eq!(poses.image.as_ref().map(|image| (image.width, image.height)), Some((64, 64)));
    assert_eq!((lines.preprocess, lines.mode), (Preprocessor::Invert, ControlMode::Balanced));
    assert_eq!(request.image_prompts[0].scale, 0.5);
    assert_eq!(wanted.warnings, ["ControlNet unit 5: without a model it has no effect"]);
}

#[test]
fn thresholds_out_of_range_are_the_defaults() {
    assert_eq!(preprocessor("canny", Some(-1.0), Some(999.0)), Ok(Preprocessor::Canny { low: 100, high: 200 }));
    assert_eq!(preprocessor("recolor_luminance", Some(64.0), None), Ok(Preprocessor::Luminance { gamma: 1.0 }));
    assert!(preprocessor("openpose_full", None, None).unwrap_err().contains("openpose"));
}

#[test]
fn scripts_that_are_not_there_are_refused_unless_they_are_off() {
    let with = |script: Value| json!({"alwayson_scripts": script});
    for off in [
        json!({"ADetailer": {"args": [false]}}),
        json!({"x": {"args": []}}),
        json!({"x": {}}),
        json!({"Never OOM": {"args": [{"enabled": false}]}}),
    ] {
        assert!(txt2img(with(off)).warnings.is_empty());
    }
    let message = error(Kind::Txt2img, with(json!({"ADetailer": {"args": [true, {"ad_model": "face_yolov8n.pt"}]}})));
    assert_eq!(message, "always on script ADetailer not found");
    assert_eq!(error(Kind::Txt2img, json!({"script_name": "X/Y/Z plot"})), "Script 'X/Y/Z plot' not found");
}
