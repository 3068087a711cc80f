//! Files as AUTOMATIC1111, ComfyUI and others write them; `make.py` made them.

use std::collections::BTreeMap;
use std::path::Path;

use sd_image::{Image, Texts};
use sd_metadata::{Making, Parameters, Source};

fn files() -> BTreeMap<String, BTreeMap<String, String>> {
    serde_json::from_str(include_str!("texts.json")).unwrap()
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/programs/files").join(name)).unwrap()
}

fn making(name: &str) -> Making {
    let texts = Texts::read(&read(name));
    Making::read(|keyword| texts.get(keyword)).unwrap()
}

#[test]
fn texts_are_found_where_programs_put_them() {
    for (name, wanted) in files() {
        let bytes = read(&name);
        let found = Texts::read(&bytes);
        let found: BTreeMap<_, _> =
            found.iter().map(|(keyword, text)| (keyword.to_string(), text.to_string())).collect();
        assert_eq!(found, wanted, "{name}");
        assert!(Image::decode(&bytes).is_ok(), "{name}");
    }
}

#[test]
fn settings_of_the_web_ui_are_read_and_written_again() {
    for name in ["a1111-latin.png", "a1111-wide.jpg", "a1111-wide.webp", "low-byte-first.jpg", "compressed.png"] {
        let Making { source, parameters, .. } = making(name);
        assert_eq!(source, Source::Automatic1111);
        assert_eq!(parameters.get("Lora hashes"), Some("ink: 0123456789ab, chalk: ba9876543210"));
        assert_eq!((parameters.get("Seed"), parameters.fields.len()), (Some("965400086"), 14));
        assert_eq!(Some(&parameters.to_string()), files()[name].get("parameters"), "{name}");
    }
}

#[test]
fn graphs_of_comfyui_are_settings() {
    for name in ["comfyui.png", "comfyui.webp", "comfyui-capitals.webp"] {
        let Making { source, parameters, unclear, .. } = making(name);
        assert_eq!((source, unclear), (Source::ComfyUi, Vec::new()));
        let wanted = "a glass bottle, 光\nNegative prompt: text, watermark\nSteps: 20, Sampler: Euler, Schedule type: Normal, \
                      CFG scale: 8, Seed: 156680208700286, Size: 512x512, Model: v1-5-pruned-emaonly, RNG: CPU";
        assert_eq!(parameters, Parameters::parse(wanted), "{name}");
    }
}

#[test]
fn an_image_of_a_camera_says_nothing() {
    let texts = Texts::read(&read("camera.jpg"));
    assert_eq!(Making::read(|keyword| texts.get(keyword)), None);
}
