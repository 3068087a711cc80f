//! What images say about their making, and drawing them again.

use std::sync::LazyLock;

use sd_golden::{Kind, TinyModel};
use sd_image::Texts;
use sd_metadata::{Making, Parameters};
use sd_pipeline::Image;
use serde_json::{Value, json};

use crate::{MODEL, Run, assert_drawn, stderr, stdout};

static OTHER: LazyLock<TinyModel> = LazyLock::new(|| TinyModel::new(Kind::Sd2v));

fn model() -> &'static str {
    MODEL.path().to_str().unwrap()
}

fn image(run: &Run, name: &str) -> Image {
    Image::read(run.path(name)).unwrap()
}

fn parameters(run: &Run, name: &str) -> Parameters {
    Parameters::parse(Texts::read(&run.read(name)).get("parameters").unwrap())
}

/// Draws `in.png` with the tiny model, which does not need guessing.
fn drawn() -> Run {
    let run = Run::new();
    let flags = ["--seed", "5", "--negative-prompt", "rain", "--sampler", "ddim", "--eta", "0.5", "--guidance", "4"];
    assert_drawn(&run.generate(&[&flags[..], &["--output", "in.png"]].concat()));
    run
}

/// `sd generate --from in.png` with the tiny model.
fn again(run: &Run, flags: &[&str]) -> std::process::Output {
    run.sd(&[&["generate", "--from", "in.png", "--model", model()], flags].concat())
}

#[test]
fn an_image_says_what_others_read_and_all_that_it_was_drawn_with() {
    let run = drawn();
    let bytes = run.read("in.png");
    let texts = Texts::read(&bytes);
    let parameters = parameters(&run, "in.png");
    let settings: Vec<_> = parameters.fields.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        settings,
        ["Steps", "Sampler", "CFG scale", "Seed", "Size", "Model hash", "Model", "RNG", "Eta DDIM", "Version"]
    );
    assert_eq!((parameters.prompt.as_str(), parameters.negative_prompt.as_str()), ("a red house", "rain"));
    let record: Value = serde_json::from_str(texts.get(Making::RECORD).unwrap()).unwrap();
    assert_eq!(record["job"]["request"]["seed"], 5);
    let hash = record["files"][0]["sha256"].as_str().unwrap();
    assert_eq!(Some(&hash[..10]), parameters.get("Model hash"));
}

#[test]
fn info_tells_what_an_image_says() {
    let run = drawn();
    let output = run.sd(&["info", "in.png"]);
    assert_drawn(&output);
    let text = stdout(&output);
    for part in
        ["settings of  sd-burn", "PROMPT\na red house\n", "NEGATIVE PROMPT\nrain\n", "Seed", "DRAWN WITH\nversion"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let output = run.sd(&["info", "in.png", "--json"]);
    let found: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&found["source"], &found["width"]), (&json!("sd-burn"), &json!(32)));
    assert_eq!((&found["prompt"], &found["settings"]["Seed"]), (&json!("a red house"), &json!("5")));
    assert_eq!(found["record"]["job"]["request"]["seed"], 5);
    // An image without any.
    image(&run, "in.png").save(run.path("plain.webp")).unwrap();
    let text = stdout(&run.sd(&["info", "plain.webp"]));
    assert!(text.contains("settings of  none"), "{text}");
}

#[test]
fn every_format_has_the_texts_unless_they_are_not_wanted() {
    let run = drawn();
    for name in ["a.jpg", "a.webp"] {
        assert_drawn(&again(&run, &["--output", name]));
        assert_eq!(parameters(&run, name), parameters(&run, "in.png"), "{name}");
    }
    assert_eq!(image(&run, "a.webp"), image(&run, "in.png"));
    assert_drawn(&again(&run, &["--output", "small.jpg", "--quality", "5"]));
    assert!(run.read("small.jpg").len() < run.read("a.jpg").len());
    for name in ["none.png", "none.jpg", "none.webp"] {
        assert_drawn(&again(&run, &["--output", name, "--no-metadata"]));
        assert_eq!(Texts::read(&run.read(name)).iter().count(), 0, "{name}");
    }
    assert_eq!(image(&run, "none.png"), image(&run, "in.png"));
}

#[test]
fn images_are_named_by_their_seeds_and_go_on_in_a_folder() {
    let run = Run::new();
    std::fs::create_dir(run.path("images")).unwrap();
    let flags = ["--seed", "8", "--count", "2", "--output"];
    assert_drawn(&run.generate(&[&flags[..], &["{index}-{seed}.webp"]].concat()));
    assert_drawn(&run.generate(&[&flags[..], &["images"]].concat()));
    assert_drawn(&run.generate(&["--seed", "3", "--output", "images/"]));
    assert_eq!(run.files(), ["0-8.webp", "1-9.webp", "images"]);
    let mut names: Vec<_> =
        std::fs::read_dir(run.path("images")).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["00000-8.png", "00001-9.png", "00002-3.png"]);
    run.refuses(&["--output", "{sampler}.png"], &["--output {sampler}.png: {sampler} is unknown", "{seed}"]);
}

#[test]
fn an_image_is_drawn_again_to_the_pixel() {
    let run = drawn();
    let output = again(&run, &[]);
    assert_drawn(&output);
    assert_eq!(stderr(&output), "");
    assert_eq!(image(&run, "out.png"), image(&run, "in.png"));
    assert_eq!(parameters(&run, "out.png"), parameters(&run, "in.png"));
}

#[test]
fn flags_replace_what_an_image_says() {
    let run = drawn();
    assert_drawn(&again(&run, &["--seed", "6", "--steps", "3", "--prompt", "a boat"]));
    let flags = ["--negative-prompt", "rain", "--sampler", "ddim", "--eta", "0.5", "--guidance", "4"];
    let wanted = ["--seed", "6", "--steps", "3", "--prompt", "a boat", "--output", "wanted.png"];
    let size = ["generate", "--model", model(), "--width", "32", "--height", "32"];
    assert_drawn(&run.sd(&[&size[..], &flags, &wanted].concat()));
    assert_eq!(image(&run, "out.png"), image(&run, "wanted.png"));
    // Another sampler has other options.
    assert_drawn(&again(&run, &["--sampler", "dpm++2m"]));
    assert_eq!(parameters(&run, "out.png").get("Eta DDIM"), None);
}

#[test]
fn settings_of_the_web_ui_are_drawn_and_what_cannot_be_had_is_told() {
    let run = Run::new();
    let text = "a red house\nNegative prompt: rain\nSteps: 2, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 4, Seed: 5, \
                Size: 32x32, Model hash: 0123456789, Model: dream, Version: v1.10.1";
    let canvas = Image { width: 8, height: 8, rgb: vec![0; 192] };
    for name in ["in.png", "in.webp", "in.jpg"] {
        canvas.save_with_text(run.path(name), &[("parameters", text)]).unwrap();
    }
    let flags = ["--negative-prompt", "rain", "--sampler", "dpm++2m", "--schedule", "karras", "--guidance", "4"];
    assert_drawn(&run.generate(&[&flags[..], &["--seed", "5", "--output", "wanted.png"]].concat()));
    for name in ["in.png", "in.webp", "in.jpg"] {
        let output = run.sd(&["generate", "--from", name, "--model", model()]);
        assert_drawn(&output);
        assert!(stderr(&output).contains("RNG: GPU"), "{}", stderr(&output));
        assert_eq!(image(&run, "out.png"), image(&run, "wanted.png"), "{name}");
    }
    #[cfg(feature = "scenes")]
    {
        let output = run.sd(&["generate", "--from", "in.png", "--steps", "1", "--width", "64", "--height", "64"]);
        assert_drawn(&output);
        assert!(stderr(&output).contains("the model dream is not there"), "{}", stderr(&output));
    }
}

#[test]
fn a_graph_of_comfyui_is_drawn() {
    let run = Run::new();
    let node = |class: &str, inputs: Value| json!({ "class_type": class, "inputs": inputs });
    let graph = json!({
        "3": node("KSampler", json!({
            "seed": 5, "steps": 2, "cfg": 4, "sampler_name": "euler_ancestral", "scheduler": "karras", "denoise": 1,
            "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0], "model": ["4", 0]
        })),
        "4": node("Mystery", json!({})),
        "5": node("EmptyLatentImage", json!({ "width": 32, "height": 32 })),
        "6": node("CLIPTextEncode", json!({ "text": "a red house" })),
        "7": node("CLIPTextEncode", json!({ "text": "rain" })),
        "8": node("SaveImage", json!({ "images": ["3", 0] })),
    });
    let canvas = Image { width: 8, height: 8, rgb: vec![0; 192] };
    canvas.save_with_text(run.path("in.png"), &[("prompt", &graph.to_string())]).unwrap();
    let output = again(&run, &[]);
    assert_drawn(&output);
    assert!(stderr(&output).contains("what Mystery does to the model"), "{}", stderr(&output));
    let flags = ["--negative-prompt", "rain", "--sampler", "euler-a", "--schedule", "karras", "--guidance", "4"];
    assert_drawn(&run.generate(&[&flags[..], &["--seed", "5", "--output", "wanted.png"]].concat()));
    assert_eq!(image(&run, "out.png"), image(&run, "wanted.png"));
}

#[test]
fn an_image_that_was_made_from_another_needs_it() {
    let run = Run::new();
    let start = Image { width: 32, height: 32, rgb: (0..3072).map(|i| (i % 251) as u8).collect() };
    start.save(run.path("start.png")).unwrap();
    let flags = ["--init-image", "start.png", "--strength", "0.5", "--seed", "5", "--output", "in.png"];
    assert_drawn(&run.generate(&flags));
    let output = again(&run, &["--init-image", "start.png"]);
    assert_drawn(&output);
    assert_eq!((stderr(&output).as_str(), image(&run, "out.png")), ("", image(&run, "in.png")));
    let output = again(&run, &[]);
    assert_drawn(&output);
    assert!(
        stderr(&output).contains("it was made from images that are not in it: --init-image"),
        "{}",
        stderr(&output)
    );
    let check = ["reproduce", "in.png", "--check", "--model", model()];
    assert_drawn(&run.sd(&[&check[..], &["--given", "start.png"]].concat()));
}

#[test]
fn an_image_is_checked_by_drawing_it_again() {
    let run = drawn();
    let check = ["reproduce", "in.png", "--check", "--model"];
    let output = run.sd(&[&check[..], &[model()]].concat());
    assert_drawn(&output);
    assert!(stdout(&output).contains("in.png: the same, to the pixel"), "{}", stdout(&output));
    assert_eq!(run.files(), ["in.png"]);
    // Another model.
    let output = run.sd(&[&check[..], &[OTHER.path().to_str().unwrap(), "--output", "other.png"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("error: in.png: not the same: "), "{}", stderr(&output));
    assert!(stdout(&output).contains("model: "), "{}", stdout(&output));
    assert_eq!(parameters(&run, "other.png").get("Seed"), Some("5"));
    // One pixel was changed afterwards.
    let bytes = run.read("in.png");
    let texts = Texts::read(&bytes);
    let texts: Vec<_> = texts.iter().collect();
    let mut changed = image(&run, "in.png");
    changed.rgb[0] ^= 4;
    changed.save_with_text(run.path("in.png"), &texts).unwrap();
    let output = run.sd(&[&check[..], &[model()]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("1 of 1024 pixels differ, by up to 4 of 255"), "{}", stderr(&output));
    assert!(stdout(&output).contains("its pixels were changed"), "{}", stdout(&output));
}

#[test]
fn a_model_is_found_in_a_folder_by_its_name() {
    let run = drawn();
    let name = MODEL.path().file_name().unwrap().to_str().unwrap();
    std::fs::create_dir(run.path("models")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(MODEL.path(), run.path("models").join(name)).unwrap();
    #[cfg(unix)]
    {
        assert_drawn(&run.sd(&["reproduce", "in.png", "--check", "--models", "models"]));
        let output = run.sd(&["generate", "--from", "in.png", "--models", "models"]);
        assert_drawn(&output);
        assert_eq!(image(&run, "out.png"), image(&run, "in.png"), "{}", stderr(&output));
    }
}

/// The built-in model draws eight landscapes together, and none of them shows it.
#[test]
fn images_that_were_drawn_together_are_drawn_again_alone() {
    let run = Run::new();
    let flags = ["generate", "--prompt", "a red house", "--steps", "3", "--negative-prompt", "night"];
    let events = run.sd(&[&flags[..], &["--seed", "5", "--count", "9", "--progress", "json"]].concat());
    assert_drawn(&events);
    let together = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        (event["event"] == "step").then(|| (event["image"].as_u64().unwrap(), event["images"].as_u64().unwrap()))
    };
    let mut groups: Vec<_> = stdout(&events).lines().filter_map(together).collect();
    groups.dedup();
    assert_eq!(groups, [(0, 8), (8, 1)]);
    for (file, seed) in [("out-0.png", "5"), ("out-3.png", "8"), ("out-7.png", "12"), ("out-8.png", "13")] {
        assert_drawn(&run.sd(&["reproduce", file, "--check"]));
        assert_drawn(&run.sd(&[&flags[..], &["--seed", seed, "--output", "alone.png"]].concat()));
        assert!(run.read("alone.png") == run.read(file), "{file}");
    }
}

#[test]
fn an_image_without_settings_is_refused() {
    let run = Run::new();
    Image { width: 8, height: 8, rgb: vec![0; 192] }.save(run.path("in.png")).unwrap();
    for output in [again(&run, &[]), run.sd(&["reproduce", "in.png", "--model", model()])] {
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("in.png: it has no settings"), "{}", stderr(&output));
    }
    assert_eq!(run.files(), ["in.png"]);
    let output = run.sd(&["generate", "--from", "none.png"]);
    assert!(stderr(&output).starts_with("error: --from none.png: "), "{}", stderr(&output));
}
