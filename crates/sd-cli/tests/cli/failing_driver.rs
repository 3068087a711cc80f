//! Drivers that fail: Mesa's software driver, with one function that fails on request.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{MODEL, Run, stderr, stdout};

// Values of Vulkan's VkResult.
const OUT_OF_DEVICE_MEMORY: &str = "-2";
const DEVICE_LOST: &str = "-4";
const UNKNOWN: &str = "-13";

#[test]
fn images_finished_before_the_device_is_lost_are_kept() {
    let failed = Failed::draw("vkQueueSubmit", DEVICE_LOST, Some("done"));
    failed.assert_says(&["error: the device failed", "flex", "(driver: ", "Device is lost)"]);
    assert_eq!(failed.images, ["out-0.png"]);
}

#[test]
fn kernels_that_do_not_compile_are_an_error() {
    let failed = Failed::draw("vkCreateComputePipelines", UNKNOWN, Some("loaded"));
    failed.assert_says(&["error: the device failed", "flex", "(driver: "]);
    assert_eq!(failed.images, [""; 0]);
}

#[test]
fn memory_that_the_driver_refuses_is_an_error() {
    let failed = Failed::draw("vkAllocateMemory", OUT_OF_DEVICE_MEMORY, Some("busy"));
    failed.assert_says(&["error: the device failed", "half precision", "(driver: wgpu error: Out of Memory)"]);
    assert_eq!(failed.images, [""; 0]);
}

#[test]
fn a_device_that_does_not_open_is_an_error_and_the_others_are_listed() {
    let failed = Failed::draw("vkAllocateMemory", OUT_OF_DEVICE_MEMORY, None);
    failed.assert_says(&["error: the device failed", "flex", "(driver: ", "Not enough memory"]);
    let run = Run::new();
    let mut command = run.command(&["devices"]);
    fail(&mut command, "vkAllocateMemory", OUT_OF_DEVICE_MEMORY, run.folder.path());
    let listed = stdout(&command.output().unwrap());
    assert!(
        listed.contains("its driver failed") && listed.contains("reports: ") && listed.contains("flex "),
        "{listed}"
    );
}

/// A build with `vulkan` refuses the driver by this name.
#[test]
fn a_driver_that_has_not_failed_is_listed_by_its_name() {
    let run = Run::new();
    let mut command = run.command(&["devices"]);
    fail(&mut command, "vkQueueSubmit", DEVICE_LOST, &run.path("never"));
    let listed = stdout(&command.output().unwrap());
    let hardware = listed.lines().find_map(|line| line.strip_prefix("wgpu ")).unwrap().trim_start();
    assert!(hardware.starts_with("llvmpipe "), "{listed}");
}

/// The result of `sd generate --count 2` when the driver fails.
struct Failed {
    output: Output,
    images: Vec<String>,
}

impl Failed {
    /// `function` returns `result` after this event, or from the start.
    fn draw(function: &str, result: &str, event: Option<&str>) -> Self {
        let run = Run::new();
        let model = MODEL.path().to_str().unwrap();
        let mut command = run.command(&["generate", "--model", model, "--prompt", "a red house", "--device", "wgpu"]);
        command.args(["--steps", "1", "--width", "32", "--height", "32", "--count", "2", "--progress", "json"]);
        let when = run.path("now");
        fail(&mut command, function, result, &when);
        if event.is_none() {
            fs::write(&when, "").unwrap();
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if line["event"].as_str() == event {
                fs::write(&when, "").unwrap();
            }
        }
        let images = run.files().into_iter().filter(|name| name.contains("out")).collect();
        Self { output: child.wait_with_output().unwrap(), images }
    }

    #[track_caller]
    fn assert_says(&self, words: &[&str]) {
        let said = stderr(&self.output);
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        assert_eq!(self.output.status.code(), Some(1), "{said}");
    }
}

/// Gives the command a driver whose `function` returns `result` once the file `when` exists.
fn fail(command: &mut Command, function: &str, result: &str, when: &Path) {
    let manifest = DRIVER.path().join("manifest.json");
    command.env("FAILING_FUNCTION", function).env("FAILING_RESULT", result).env("FAILING_WHEN", when);
    command.env("FAILING_DRIVER", mesa()).env("VK_DRIVER_FILES", &manifest).env("VK_ICD_FILENAMES", &manifest);
}

/// A folder with the failing driver and its manifest for Vulkan's loader.
static DRIVER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/driver/failing.rs");
    let library = folder.path().join("libfailing.so");
    let flags = ["--edition", "2024", "--crate-type", "cdylib", "-o"];
    assert!(Command::new("rustc").args(flags).args([&library, &source]).status().unwrap().success());
    let icd = json!({ "library_path": library, "api_version": "1.1.230" });
    let manifest = json!({ "file_format_version": "1.0.0", "ICD": icd });
    fs::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
    folder
});

/// The library of Mesa's software driver.
fn mesa() -> PathBuf {
    let manifests = fs::read_dir("/usr/share/vulkan/icd.d").expect("Vulkan drivers").map(|file| file.unwrap().path());
    let is_lavapipe = |file: &PathBuf| file.file_name().unwrap().to_str().unwrap().starts_with("lvp");
    let manifest = manifests.into_iter().find(is_lavapipe).expect("mesa-vulkan-drivers is installed");
    let manifest: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    manifest["ICD"]["library_path"].as_str().unwrap().into()
}
