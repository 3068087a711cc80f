//! Kinds of guidance.

use std::sync::LazyLock;

use sd_golden::{Kind, TinyModel};
use sd_pipeline::{DType, Device, Image, Pipeline, Plan};
use serde_json::{Value, json};

use crate::{MODEL, Run, assert_drawn, stderr, stdout};

/// Every kind, with usual values.
const ALL: [&[&str]; 10] = [
    &["--guidance-schedule", "7x1+3x1"],
    &["--guidance-interval", "0,0.5"],
    &["--guidance-rescale", "0.7"],
    &["--cfg-plus-plus"],
    &["--apg"],
    &["--pag", "3"],
    &["--sag", "0.75"],
    &["--freeu", "1.5,1.6,0.9,0.2"],
    &["--dynamic-threshold", "0.9,2"],
    &["--perp-neg"],
];

/// Wide enough for more than one place in the middle of the U-Net, where PAG and SAG look at attention.
const NEGATIVE: [&str; 6] = ["--negative-prompt", "dull", "--sampler", "ddim", "--width", "128"];

fn all() -> Vec<&'static str> {
    // Schedules are shares with CFG++.
    let others = ALL[1..].iter().filter(|flags| flags[0] != "--dynamic-threshold").copied();
    let shares: [&[&str]; 2] = [&["--guidance-schedule", "0.7x1+0.3x1"], &["--dynamic-threshold", "0.9,0.5"]];
    others.chain(shares).flatten().copied().collect()
}

#[test]
fn every_kind_draws_another_image() {
    let run = Run::new();
    let mut images = vec![run.draw(&NEGATIVE).image];
    for flags in ALL {
        let drawn = run.draw(&[&NEGATIVE[..], flags].concat());
        assert_eq!(drawn.warnings, "", "{flags:?}");
        assert!(!images.contains(&drawn.image), "{flags:?}");
        images.push(drawn.image);
    }
}

#[test]
fn what_is_off_changes_no_byte() {
    let run = Run::new();
    let expected = run.draw(&NEGATIVE);
    for flags in [
        &["--guidance-interval", "0,1"][..],
        &["--guidance-rescale", "0"],
        &["--pag", "0"],
        &["--sag", "0"],
        &["--guidance", "7.5"],
    ] {
        assert_eq!(run.draw(&[&NEGATIVE[..], flags].concat()).file, expected.file, "{flags:?}");
    }
    // Neutral values, up to rounding.
    for flags in [&["--apg=1,0,0"][..], &["--freeu", "1,1,1,1"], &["--dynamic-threshold", "1,7.5"]] {
        let found = run.draw(&[&NEGATIVE[..], flags].concat());
        assert!(found.difference(&expected) <= 1, "{flags:?}");
    }
}

#[test]
fn a_schedule_of_one_scale_is_that_scale() {
    let run = Run::new();
    let scheduled = run.draw(&["--steps", "3", "--guidance-schedule", "3x25"]);
    assert_eq!(scheduled.image, run.draw(&["--steps", "3", "--guidance", "3"]).image);
    assert!(scheduled.settings().contains("Guidance schedule: 3x25"), "{}", scheduled.settings());
}

#[test]
fn a_scale_of_1_or_below_is_no_guidance() {
    let run = Run::new();
    let images = ["1", "0.5", "0", "-1"].map(|scale| run.draw(&["--width", "128", "--guidance", scale]).image);
    assert!(images.iter().all(|image| *image == images[0]));
    assert_ne!(images[0], run.draw(&["--width", "128", "--guidance", "1.5"]).image);
    // Other kinds work without it.
    for flags in [["--pag", "3"], ["--sag", "0.75"]] {
        assert_ne!(
            run.draw(&[&["--width", "128", "--guidance", "1"], &flags[..]].concat()).image,
            images[0],
            "{flags:?}"
        );
    }
}

#[test]
fn all_kinds_work_together_with_every_family() {
    static MODELS: LazyLock<[TinyModel; 2]> =
        LazyLock::new(|| [TinyModel::new(Kind::Sd2v), TinyModel::new(Kind::Sdxl)]);
    let run = Run::new();
    let more =
        ["--prompt", "a (red:1.2) [house:boat:0.4] AND fog:0.3", "--region", "0,0,16,32:a tree", "--clip-skip", "2"];
    let flags = [&["--seed", "1", "--sampler", "euler", "--negative-prompt", "dull"], &more[..], &all()].concat();
    for model in MODELS.iter().map(TinyModel::path).chain([MODEL.path()]) {
        let drawn = run.drawn(&run.generate_with(model, &flags));
        assert_eq!(drawn.warnings, "");
        let settings = drawn.settings();
        for name in [
            "Clip skip: 2",
            "Guidance schedule: 0.7x1+0.3x1",
            "Guidance interval: 0-0.5",
            "CFG++: true",
            "CFG rescale: 0.7",
            "APG: eta 0 norm 7.5 momentum -0.5",
            "PAG scale: 3",
            "SAG scale: 0.75",
            "Dynamic thresholding: 0.9 mimic 0.5",
            "Perpendicular negative: 1",
            "FreeU: 1.5 1.6 0.9 0.2",
        ] {
            assert!(settings.contains(name), "{name} in {settings}");
        }
    }
}

#[test]
fn a_plan_has_all_of_it_and_is_drawn_again() {
    let run = Run::new();
    let more = ["--seed", "3", "--prompt", "a (red:1.2) house", "--region", "0,0,16,32:a tree:0.5", "--clip-skip", "2"];
    let flags = [&NEGATIVE[..], &more, &all(), &["--apg=0.1,5,-0.2", "--prompt-syntax", "comfy"]].concat();
    let planned = stdout(&run.generate(&[&flags[..], &["--plan=json"]].concat()));
    let settings: Value = serde_json::from_str::<Value>(&planned).unwrap()["settings"].take();
    let options = json!({
        "schedule": "0.7x1+0.3x1",
        "interval": { "from": 0.0, "to": 0.5 },
        "plus_plus": true,
        "rescale": 0.7,
        "apg": { "eta": 0.1, "norm": 5.0, "momentum": -0.2 },
        "pag": 3.0,
        "sag": 0.75,
        "threshold": { "percentile": 0.9, "mimic": 0.5 },
        "perpendicular": 1.0,
    });
    assert_eq!(settings["guidance_options"], options);
    assert_eq!(settings["freeu"], json!({ "b1": 1.5, "b2": 1.6, "s1": 0.9, "s2": 0.2 }));
    assert_eq!((&settings["clip_skip"], &settings["prompt_syntax"]), (&json!(2), &json!("comfy")));
    let area = json!({ "share": { "left": 0.0, "top": 0.0, "right": 0.125, "bottom": 1.0 } });
    assert_eq!(settings["regions"], json!([{ "prompt": "a tree", "area": area, "weight": 0.5 }]));
    let plan: Plan = serde_json::from_str(&planned).unwrap();
    let pipeline = Pipeline::open(MODEL.path(), &Device::flex(), DType::F32).unwrap();
    assert_eq!(pipeline.drawing(&plan).run().unwrap().image, run.draw(&flags).image);
    let text = stdout(&run.generate(&[&flags[..], &["--plan"]].concat()));
    for line in ["prompt syntax    comfy", "clip skip        2", "pag scale        3", "cfg rescale      0.7"] {
        assert!(text.lines().any(|found| found == line), "{line}\n\n{text}");
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let run = Run::new();
    for (flags, words) in [
        (&["--guidance-interval", "0.5,0.2"][..], &["--guidance-interval 0.5,0.2", "begin before it ends"][..]),
        (&["--guidance-interval", "0,2"], &["--guidance-interval 0,2", "0 and 1"]),
        (&["--guidance-interval", "0.5"], &["--guidance-interval", "2 numbers"]),
        (&["--guidance-rescale", "2"], &["--guidance-rescale 2", "0 to 1"]),
        (&["--guidance-rescale", "nan"], &["--guidance-rescale NaN"]),
        (&["--pag", "-1"], &["--pag -1", "at least 0"]),
        (&["--sag", "-1"], &["--sag -1", "at least 0"]),
        (&["--sag", "inf"], &["--sag inf"]),
        (&["--dynamic-threshold", "2"], &["--dynamic-threshold 2", "at most 1"]),
        (&["--dynamic-threshold", "0"], &["--dynamic-threshold 0", "above 0"]),
        (&["--cfg-plus-plus", "--guidance", "3"], &["--guidance 3", "0 to 1"]),
        (&["--cfg-plus-plus", "--guidance-schedule", "7x5"], &["--guidance-schedule 7", "0 to 1"]),
        (&["--cfg-plus-plus", "--dynamic-threshold", "0.9,7"], &["--dynamic-threshold 7", "0 to 1"]),
        (&["--apg=0,-1,0"], &["--apg -1", "above 0"]),
        (&["--apg=0,7.5,1"], &["--apg 1", "between -1 and 1"]),
        (&["--apg=0,7.5"], &["--apg", "3 numbers"]),
        (&["--perp-neg=-1"], &["--perp-neg -1", "at least 0"]),
        (&["--freeu", "1,1,1"], &["--freeu", "4 numbers"]),
        (&["--freeu", "nan,1,1,1"], &["--freeu"]),
        (&["--guidance-schedule", "7x"], &["`7x`", "7x5+1x15"]),
        (&["--guidance-schedule", "7x5", "--guidance", "3"], &["--guidance"]),
    ] {
        run.refuses(flags, words);
    }
}

#[test]
fn help_has_a_heading_for_prompts_and_for_guidance() {
    let help = stdout(&Run::new().sd(&["generate", "--help"]));
    let of = |heading: &str| {
        let from = help.find(&format!("\n{heading}")).unwrap_or_else(|| panic!("no {heading}"));
        let text = &help[from + 1..];
        // Headings begin their lines.
        let end = text.match_indices("\n\n").find(|(at, _)| text[at + 2..].starts_with(char::is_alphabetic));
        text[..end.map_or(text.len(), |(at, _)| at)].to_string()
    };
    let prompts = ["--prompt-syntax", "--region", "--clip-skip", "--original-size", "--lora-dir", "--embedding-dir"];
    let guidance = ["--guidance-schedule", "--guidance-interval", "--apg", "--pag", "--freeu", "--perp-neg"];
    for (heading, flags) in [("Prompts:", &prompts[..]), ("Guidance (", &guidance)] {
        for flag in flags {
            assert!(of(heading).contains(&format!("{flag} ")) || of(heading).contains(&format!("{flag}[")), "{flag}");
        }
    }
}

#[test]
fn further_passes_are_guided_and_go_on_in_the_prompt() {
    let run = Run::new();
    let flags = ["--steps", "4", "--hires", "2", "--hires-strength", "0.75", "--guidance-interval", "0,0.5"];
    let drawn = |prompt: &str| run.draw(&[&flags[..], &["--prompt", prompt]].concat()).image;
    let images = ["a cat", "a [cat:dog:0.5]", "a [cat:dog:1.4]", "a dog"].map(drawn);
    assert!((0..4).all(|i| (0..i).all(|j| images[i] != images[j])));
    let [xl, refiner] = [Kind::Sdxl, Kind::Refiner].map(TinyModel::new);
    let refined = ["--refiner", refiner.path().to_str().unwrap(), "--seed", "1", "--steps", "10", "--crop", "8,0"];
    assert_drawn(&run.generate_with(xl.path(), &[&refined[..], &all(), &["--guidance-interval", "0,1"]].concat()));
}

#[test]
fn models_that_read_images_are_guided_too() {
    let run = Run::new();
    let pixels = (0..64 * 64 * 3).map(|i| (i % 251) as u8).collect();
    Image { width: 64, height: 64, rgb: pixels }.save(run.path("in.png")).unwrap();
    let image = ["--init-image", "in.png", "--width", "64", "--height", "64"];
    let edits = TinyModel::with_channels(Kind::Sd1, 8);
    let refused = run.generate_with(edits.path(), &[&image[..], &["--cfg-plus-plus"]].concat());
    assert!(stderr(&refused).starts_with("error: --cfg-plus-plus has no rule for the guidance of an image"));
    let paints = TinyModel::with_channels(Kind::Sd1, 9);
    let others: Vec<&str> = all().into_iter().filter(|flag| *flag != "--cfg-plus-plus").collect();
    let more = [&["--region", "0,0,64,8:a tree"], &others[..]].concat();
    for (model, flags) in [(&edits, &[][..]), (&paints, &["--mask", "in.png"])] {
        assert_drawn(&run.generate_with(model.path(), &[&image[..], flags, &more].concat()));
    }
}
