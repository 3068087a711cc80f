//! The devices.

use sd_pipeline::Image;
use serde_json::Value;

#[cfg(feature = "wgpu")]
use crate::MODEL;
use crate::{Run, stderr, stdout};

#[test]
fn devices_are_listed_and_the_chosen_one_is_named() {
    let run = Run::new();
    let listed = stdout(&run.sd(&["devices"]));
    let flex = listed.lines().find(|line| line.starts_with("flex ")).unwrap();
    assert!(flex.contains(" GB ") && flex.contains("f32, f16, bf16"), "{listed}");
    let taken = listed.lines().last().unwrap().strip_prefix("Without --device: ").unwrap();
    let output = run.generate(&["--progress", "json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains(&format!(" on {taken}\"")), "{}", stdout(&output));
}

#[test]
fn a_dry_run_prints_the_needed_memory_and_draws_nothing() {
    let run = Run::new();
    let output = run.generate(&["--dry-run", "--progress", "json", "--device", "flex"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(run.files(), [""; 0]);
    let event: Value = serde_json::from_str(stdout(&output).trim()).unwrap();
    let bytes = &event["bytes"];
    let part = |name: &str| bytes[name].as_u64().unwrap();
    assert!(["weights", "sampling", "decoding"].into_iter().all(|name| part(name) > 0), "{event}");
    assert_eq!(part("peak"), part("weights") + part("sampling").max(part("decoding")));
    let half = run.generate(&["--dry-run", "--dtype", "f16", "--device", "flex"]);
    let lines = stdout(&half);
    assert!(lines.contains("weights") && lines.contains("decoding") && lines.contains(" GB"), "{lines}");
    let large = run.generate(&["--dry-run", "--width", "800000", "--height", "800000", "--device", "flex"]);
    assert_eq!(large.status.code(), Some(1));
    assert!(stderr(&large).contains("but flex has"), "{}", stderr(&large));
}

#[test]
fn low_memory_draws_the_same_image_and_the_plan_says_what_it_takes() {
    let run = Run::new();
    let flags = ["--seed", "1", "--device", "flex"];
    let draw = |more: &[&str]| {
        let output = run.generate(&[&flags[..], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        Image::read(run.path("out.png")).unwrap()
    };
    // In bands, as in low memory.
    assert!(draw(&["--memory", "low"]) == draw(&["--vae-tiling", "on"]));
    let plan = |memory: &str| stdout(&run.generate(&["--dry-run", "--device", "flex", "--memory", memory]));
    let low = plan("low");
    assert!(low.contains("weights stay in their files") && low.contains("as long"), "{low}");
    assert!(!plan("normal").contains("their files"));
    let wrong = run.generate(&["--memory", "lowest"]);
    assert!(stderr(&wrong).contains("possible values: normal, low"), "{}", stderr(&wrong));
}

#[cfg(feature = "ndarray")]
#[test]
fn low_memory_changes_nothing_on_other_devices() {
    let run = Run::new();
    let draw = |more: &[&str]| {
        let output = run.generate(&[&["--seed", "1", "--device", "ndarray"][..], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        (Image::read(run.path("out.png")).unwrap(), stdout(&output) + &stderr(&output))
    };
    let (normal, low) = (draw(&[]), draw(&["--memory", "low"]));
    assert!(normal.0 == low.0);
    assert!(low.1.contains("--memory low changes nothing on ndarray"), "{}", low.1);
}

#[test]
fn devices_that_are_not_in_the_build_are_named() {
    let listed = stdout(&Run::new().sd(&["devices"]));
    let absent = listed.lines().find(|line| line.starts_with("Not in this build: ")).unwrap();
    for name in ["cuda", "rocm"] {
        assert!(absent.contains(name), "{listed}");
    }
}

#[cfg(feature = "wgpu")]
#[test]
fn kernels_are_tuned_once_and_kept() {
    let run = Run::new();
    let draw = |flags: &[&str]| {
        let model = MODEL.path().to_str().unwrap();
        let size = ["--prompt", "a red house", "--steps", "1", "--width", "16", "--height", "16"];
        let device = ["generate", "--model", model, "--device", "wgpu", "--progress", "json"];
        let mut command = run.command(&device);
        command.args(size).args(flags).env("XDG_CACHE_HOME", run.path("cache")).env_remove("CUBECL_ENVIRONMENT");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let is_tuning = |lines: &str| lines.contains("tuning kernels");
    assert!(is_tuning(&draw(&["--no-autotune"])));
    assert!(!is_tuning(&draw(&["--no-autotune"])));
    // Kernels chosen without tuning do not count as tuned.
    assert!(is_tuning(&draw(&[])));
}
