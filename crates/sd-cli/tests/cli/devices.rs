//! The devices.

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
