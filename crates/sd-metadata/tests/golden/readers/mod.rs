//! What other programs read of our files; `make.py` asked them.

use std::path::{Path, PathBuf};

use sd_image::{Format, Image, Texts};
use sd_metadata::{Making, Parameters, Source};
use serde_json::{Value, json};

const RECORD: &str = r#"{"version":"sd-burn 0.1.0","job":{"request":{"prompt":"光"}}}"#;

const CONTROL: &str = "Module: canny, Model: control_v11p_sd15_canny, Weight: 1";

/// The files, each with its settings.
fn ours() -> Vec<(&'static str, Parameters)> {
    let mut latin = Parameters {
        prompt: "a small house, (by the sea:1.2), café\nwith two lines <lora:ink:0.8>".into(),
        negative_prompt: "rain, blurry".into(),
        ..Parameters::default()
    };
    for (key, value) in [
        ("Steps", "20"),
        ("Sampler", "DPM++ 2M"),
        ("Schedule type", "Karras"),
        ("CFG scale", "7"),
        ("Seed", "18446744073709551615"),
        ("Size", "512x768"),
        ("Model hash", "6ce0161689"),
        ("Model", "v1-5-pruned-emaonly"),
        ("VAE hash", "735e4c3a44"),
        ("VAE", "vae-ft-mse"),
        ("Denoising strength", "0.5"),
        ("Clip skip", "2"),
        ("RNG", "CPU"),
        ("Hires resize", "1024x1536"),
        ("Hires steps", "10"),
        ("Hires upscaler", "Latent"),
        ("Lora hashes", "ink: 0123456789ab, chalk: ba9876543210"),
        ("Version", "sd-burn 0.1.0"),
    ] {
        latin.set(key, value);
    }
    let mut wide = Parameters { prompt: "光の家 😀, a house".into(), ..latin.clone() };
    wide.set("ControlNet 0", CONTROL);
    (0..3).flat_map(|_| [("latin", latin.clone()), ("wide", wide.clone())]).collect()
}

/// Every file: its name, its bytes, its settings.
fn files() -> Vec<(String, Vec<u8>, Parameters)> {
    let image = Image { width: 8, height: 6, rgb: (0..144).collect() };
    let extensions = ["png", "png", "jpg", "jpg", "webp", "webp"];
    let files = ours().into_iter().zip(extensions).map(|((kind, parameters), extension)| {
        let name = format!("{kind}.{extension}");
        let texts = [("parameters", &*parameters.to_string()), (Making::RECORD, RECORD)];
        let bytes = image.encode(Format::from_path(&name).unwrap(), &texts).unwrap();
        (name, bytes, parameters)
    });
    files.collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ours")
}

#[test]
fn files_that_other_programs_read_are_those_that_are_written() {
    for (name, bytes, parameters) in files() {
        let file = folder().join(&name);
        if std::env::var_os("WRITE_OURS").is_some() {
            std::fs::write(&file, &bytes).unwrap();
        }
        assert!(
            std::fs::read(file).unwrap() == bytes,
            "{name} is not what is written: set WRITE_OURS and run `make.py`"
        );
        let texts = Texts::read(&bytes);
        let found = Making::read(|keyword| texts.get(keyword)).unwrap();
        assert_eq!((found.source, found.record.as_deref()), (Source::SdBurn, Some(RECORD)), "{name}");
        assert_eq!(found.parameters, parameters, "{name}");
    }
}

#[test]
fn other_programs_read_what_was_meant() {
    let read: Value = serde_json::from_str(include_str!("read.json")).unwrap();
    for (name, _, parameters) in files() {
        let get = |key: &str| parameters.get(key).unwrap();
        let parsers = &read[&name]["sd-parsers"];
        assert_eq!(parsers["generator"], "AUTOMATIC1111", "{name}");
        assert_eq!(parsers["prompt"], json!([parameters.prompt]), "{name}");
        assert_eq!(parsers["negative"], json!([parameters.negative_prompt]), "{name}");
        assert_eq!(parsers["sampler"], get("Sampler"), "{name}");
        // It does not know quotes, and reads the network's name as the model's.
        let model = if parameters.get("ControlNet 0").is_some() { "control_v11p_sd15_canny" } else { get("Model") };
        assert_eq!(parsers["model"], json!([model, get("Model hash")]), "{name}");
        let found = &parsers["parameters"];
        assert_eq!((&found["steps"], &found["seed"]), (&json!(get("Steps")), &json!(get("Seed"))), "{name}");
        assert_eq!((&found["cfg_scale"], &found["scheduler"]), (&json!("7"), &json!("Karras")), "{name}");
        let reader = &read[&name]["sd-prompt-reader"];
        assert_eq!((&reader["status"], &reader["tool"]), (&json!("READ_SUCCESS"), &json!("A1111 webUI")), "{name}");
        assert_eq!(reader["prompt"], json!(parameters.prompt), "{name}");
        assert_eq!(reader["negative"], json!(parameters.negative_prompt), "{name}");
        assert_eq!(reader["size"], json!(["512", "768"]), "{name}");
        let found = &reader["parameters"];
        assert_eq!((&found["model"], &found["seed"]), (&json!(get("Model")), &json!(get("Seed"))), "{name}");
    }
}

#[test]
fn the_line_of_settings_is_as_civitai_needs_it() {
    for (_, _, parameters) in files() {
        let text = parameters.to_string();
        let line = text.lines().last().unwrap();
        assert!(line.starts_with("Steps: "), "{line}");
        assert!(line.contains(", Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, "), "{line}");
        assert!(line.contains("Lora hashes: \"ink: 0123456789ab, chalk: ba9876543210\""), "{line}");
    }
}
