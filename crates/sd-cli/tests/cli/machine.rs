//! The machine: memory, threads, temporary folders, files without permission.

use std::process::Output;

use serde_json::Value;

use crate::{Run, assert_drawn, stderr, stdout};

/// The memory that an image of this size needs if it is decoded as a whole, or in bands if that takes too much.
fn dry_run(run: &Run, size: usize, tiling: &str) -> (Output, Value) {
    let size = size.to_string();
    let flags = [
        "--dry-run",
        "--progress",
        "json",
        "--device",
        "flex",
        "--width",
        &size,
        "--height",
        &size,
        "--vae-tiling",
        tiling,
    ];
    let output = run.sd(&[
        &["generate", "--model", crate::MODEL.path().to_str().unwrap(), "--prompt", "x"][..],
        &flags,
    ]
    .concat());
    let lines: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let need = lines.iter().find(|line| line["event"] == "memory").unwrap().clone();
    (output, need)
}

#[test]
fn too_little_memory_is_a_warning_and_not_an_error() {
    let run = Run::new();
    let (output, need) = dry_run(&run, 512, "auto");
    assert!(output.status.success() && !stdout(&output).contains("warning"), "{}", stdout(&output));
    let (all, now) = (need["of"].as_u64().unwrap(), need["available"].as_u64().unwrap());
    assert!(now > 0 && now <= all, "{need}");
    // A size at which all tensors together need twice the memory, but none alone needs all of it.
    let factor = (2.0 * all as f64 / need["bytes"]["decoding"].as_f64().unwrap()).sqrt();
    let large = (64.0 * factor).ceil() as usize * 8;
    let (output, need) = dry_run(&run, large, "off");
    assert!(need["bytes"]["peak"].as_u64().unwrap() > all, "{need}");
    assert!(output.status.success(), "{}", stderr(&output));
    let warning = stdout(&output).lines().find(|line| line.contains("\"warning\"")).unwrap().to_string();
    assert!(warning.contains("flex has ") && warning.contains(" GB available: if it fails or is slow, "), "{warning}");
    assert!(warning.contains("draw a smaller image"), "{warning}");
    let (_, in_bands) = dry_run(&run, large, "auto");
    let decoding = |need: &Value| need["bytes"]["decoding"].as_u64().unwrap();
    assert!(2 * decoding(&in_bands) < decoding(&need), "{in_bands} in bands, {need} as a whole");
}

#[test]
fn available_memory_is_printed_beside_all_memory() {
    let run = Run::new();
    let said = stdout(&run.generate(&["--dry-run", "--device", "flex"]));
    let peak = said.lines().find(|line| line.starts_with("peak ")).unwrap();
    assert!(peak.contains(" GB  of ") && peak.ends_with(" GB available now"), "{peak}");
}

#[test]
fn more_threads_than_cores_are_reduced_with_a_warning() {
    let run = Run::new();
    let draw = |threads: &str, variable: &str| {
        let mut command = run.command(&["samplers", "--threads", threads]);
        if threads.is_empty() {
            command = run.command(&["samplers"]);
        }
        let output = command.env("RAYON_NUM_THREADS", variable).output().unwrap();
        assert!(output.status.success());
        stderr(&output)
    };
    let cores = std::thread::available_parallelism().unwrap();
    let warning =
        |name: &str| format!("warning: {name} 9999: using {cores} threads, because there are {cores} cores\n");
    assert_eq!(draw("9999", ""), warning("--threads"));
    assert_eq!(draw("", "9999"), warning("RAYON_NUM_THREADS"));
    assert_eq!(draw("1", "9999"), "");
}

#[test]
fn devices_are_listed_with_their_vectors_and_the_reason() {
    let run = Run::new();
    let listed = |vectors: Option<&str>| {
        let mut command = run.command(&["devices"]);
        if let Some(vectors) = vectors {
            command.env("SD_OPS_VECTORS", vectors);
        }
        let output = command.output().unwrap();
        stdout(&output).lines().find(|line| line.starts_with("flex ")).unwrap().to_string()
    };
    assert!(listed(None).contains(" vectors: "), "{}", listed(None));
    assert!(
        listed(Some("plain")).ends_with("plain vectors: SD_OPS_VECTORS asks for them"),
        "{}",
        listed(Some("plain"))
    );
}

/// A system without a temporary folder, such as a container where only the images' folder is writable.
#[cfg(feature = "scenes")]
#[test]
fn the_built_in_model_draws_without_a_temporary_folder() {
    let run = Run::new();
    let flags = ["generate", "--prompt", "a red house", "--seed", "1", "--steps", "1", "--output"];
    assert_drawn(&run.sd(&[&flags[..], &["usual.png"]].concat()));
    // Nobody can write into the last one.
    for folder in ["/none/at/all", "usual.png", "/sys"] {
        let mut command = run.command(&[&flags[..], &["out.png"]].concat());
        for variable in ["TMPDIR", "TMP", "TEMP"] {
            command.env(variable, folder);
        }
        assert_drawn(&command.output().unwrap());
        assert_eq!(run.read("out.png"), run.read("usual.png"));
    }
}

#[cfg(unix)]
#[test]
fn files_without_permission_are_not_called_missing() {
    let run = Run::new();
    std::fs::write(run.path("file"), "no model").unwrap();
    std::os::unix::fs::symlink("ring", run.path("ring")).unwrap();
    for (model, words) in [
        ("file/model", &["file/model: Not a directory"][..]),
        ("ring", &["ring: Too many levels of symbolic links"]),
        ("ring/model", &["ring/model: Too many levels of symbolic links"]),
        ("/dev/null", &["/dev/null: neither a folder nor a file"]),
    ] {
        for flags in [&["info", model][..], &["generate", "--prompt", "x", "--model", model]] {
            let output = run.sd(flags);
            let error = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{error}");
            assert!(words.iter().all(|word| error.contains(word)) && !error.contains("no such"), "{flags:?}: {error}");
        }
    }
}

/// A folder without permissions, for a user who is not the superuser.
#[cfg(target_os = "linux")]
#[test]
fn a_locked_folder_is_reported_as_one() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let run = Run::new();
    let mode = |path: &std::path::Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let model = run.path("model");
    std::fs::create_dir(&model).unwrap();
    std::fs::write(model.join("model_index.json"), "{}").unwrap();
    // The superuser may read everything, so the test runs as nobody, with a copy of the program that nobody can reach.
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let sd = run.path("sd");
    std::fs::copy(env!("CARGO_BIN_EXE_sd"), &sd).unwrap();
    mode(run.folder.path(), 0o755);
    let info = |path: &str| {
        let mut command = std::process::Command::new(&sd);
        command.args(["info", path]).current_dir(run.folder.path());
        if is_root {
            command.uid(65534).gid(65534);
        }
        stderr(&command.output().unwrap())
    };
    for (locked, expected) in [
        (0o000, "error: model/model_index.json: Permission denied (os error 13)\n"),
        (0o400, "error: model/model_index.json: Permission denied (os error 13)\n"),
    ] {
        mode(&model, locked);
        assert_eq!(info("model"), expected);
    }
    assert_eq!(info("model/inner"), "error: model/inner: Permission denied (os error 13)\n");
    mode(&model, 0o755);
    mode(&model.join("model_index.json"), 0o000);
    assert_eq!(info("model"), "error: model/model_index.json: Permission denied (os error 13)\n");
}
