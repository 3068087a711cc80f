//! Plans.

use sd_pipeline::{DType, Device, Image, Pipeline, Plan};
use serde_json::Value;

use crate::{MODEL, Run, assert_drawn, stderr, stdout};

#[test]
fn a_plan_lists_every_setting_and_draws_nothing() {
    let run = Run::new();
    let output = run.generate(&["--plan", "--seed", "5", "--sampler", "ddim", "--eta", "0.5"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    for line in [
        "prompt           \"a red house\"",
        "sampler          ddim  (as requested)",
        "  eta            0.5  (as requested)",
        "steps            2  (as requested)",
        "guidance         7.5  (default)",
        "seed             5",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n\n{text}");
    }
    assert_eq!((run.files(), stderr(&output)), (Vec::new(), String::new()));
}

#[test]
fn the_image_is_drawn_again_from_its_plan() {
    let run = Run::new();
    let flags = ["--seed", "7", "--sampler", "dpm++2m-sde", "--schedule", "karras", "--guidance", "3.1"];
    assert_drawn(&run.generate(&flags));
    let planned = run.generate(&[&flags[..], &["--plan=json", "--count", "2"]].concat());
    let lines = stdout(&planned);
    let plans: Vec<Plan> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(plans.iter().map(|plan| plan.seed).collect::<Vec<_>>(), [7, 8]);
    let pipeline = Pipeline::open(MODEL.path(), &Device::flex(), DType::F32).unwrap();
    let drawn = pipeline.drawing(&plans[0]).run();
    assert_eq!(drawn.unwrap().image, Image::read(run.path("out.png")).unwrap());
    assert_eq!(run.files(), ["out.png"]);
}

#[test]
fn the_defaults_of_the_built_in_model_are_its_own() {
    let planned = Run::new().sd(&["generate", "--prompt", "a boat", "--plan=json"]);
    let plan: Value = serde_json::from_str(&stdout(&planned)).unwrap();
    let (settings, origin) = (&plan["settings"], Value::from("model"));
    let [steps, guidance] = [&settings["sampling"]["steps"], &settings["guidance"]];
    assert_eq!((steps["value"].as_u64(), &steps["origin"]), (Some(25), &origin));
    assert_eq!((guidance["value"].as_f64(), &guidance["origin"]), (Some(3.0), &origin));
}

#[test]
fn a_plan_is_text_or_json_and_excludes_a_dry_run() {
    let run = Run::new();
    for (flags, reason) in
        [(&["--plan=yaml"][..], "possible values: text, json"), (&["--plan", "--dry-run"], "--dry-run")]
    {
        let output = run.generate(flags);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(reason), "{}", stderr(&output));
    }
    let refused = run.generate(&["--plan", "--width", "33"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("not a multiple of 8"), "{}", stderr(&refused));
}
