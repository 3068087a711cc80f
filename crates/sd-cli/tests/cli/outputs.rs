//! Output files, which are checked before anything is drawn.

use std::process::Output;

use crate::{MODEL, Run, assert_drawn, stderr, stdout};

/// Checks that a run failed with one line that contains all these words, before it loaded a model, and left no partial file.
#[track_caller]
fn assert_refused(run: &Run, output: &Output, code: i32, words: &[&str]) {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(message.starts_with("error: ") && message.lines().count() == 1, "{message}");
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
    let said = stdout(output);
    assert!(!said.contains("loading"), "the model was loaded before: {said}");
    assert!(run.files().iter().all(|file| !file.contains("partial")), "{:?}", run.files());
}

#[test]
fn names_of_every_length_that_the_system_accepts_are_written() {
    let run = Run::new();
    for length in [240, 241, 255] {
        let name = format!("{}.png", "n".repeat(length - 4));
        let latents = format!("{}.safetensors", "l".repeat(length - 12));
        assert_drawn(&run.generate(&["--output", &name, "--save-latents", &latents]));
        assert!(run.path(&name).is_file() && run.path(&latents).is_file());
    }
    assert_eq!(run.files().len(), 6);
    let run = Run::new();
    let long = format!("{}.png", "n".repeat(252));
    assert_refused(&run, &run.generate(&["--output", &long, "--progress", "json"]), 1, &["--output nnn", "too long"]);
    // The number makes this name too long.
    let full = format!("{}.png", "n".repeat(251));
    let many = ["--output", &full, "--count", "2", "--progress", "json"];
    assert_refused(&run, &run.generate(&many), 1, &["--output nnn", "-0.png: ", "too long"]);
    assert_eq!(run.files(), [""; 0]);
}

#[test]
fn an_unusable_place_is_reported_with_its_flag_and_a_remedy() {
    let run = Run::new();
    std::fs::create_dir(run.path("folder")).unwrap();
    std::fs::write(run.path("file"), "").unwrap();
    let before = run.files();
    for (name, words) in [
        ("none/x", &["there is no folder none", "make it first"][..]),
        ("none/at/all/x", &["there is no folder none/at/all"]),
        ("file/x", &["file is not a folder"]),
        ("folder", &["this is a folder", "name a file in it"]),
        ("new/", &["this is a folder"]),
    ] {
        for (flag, extension) in [("--output", ".png"), ("--save-latents", "")] {
            // Images may be written into a folder.
            let is_folder = name == "folder" || name.ends_with('/');
            if is_folder && flag == "--output" {
                continue;
            }
            let name = format!("{name}{extension}");
            let output = run.generate(&[flag, &name, "--progress", "json"]);
            assert_refused(&run, &output, 1, &[&format!("{flag} {name}: ")]);
            assert_refused(&run, &output, 1, words);
        }
    }
    let output = run.generate(&["--output", "new/", "--progress", "json"]);
    assert_refused(&run, &output, 1, &["--output new/00000-", ".png: there is no folder new: make it first"]);
    assert_eq!(run.files(), before);
    let same = ["--output", "a.png", "--save-latents", "a.png"];
    assert_refused(&run, &run.generate(&same), 2, &["--save-latents a.png", "--output is the same file"]);
}

#[test]
fn folders_that_cannot_be_made_are_reported_before_the_work() {
    let run = Run::new();
    std::fs::write(run.path("file"), "").unwrap();
    let model = MODEL.path().to_str().unwrap();
    #[cfg(feature = "evaluate")]
    {
        let train = run.sd(&["train-classifier", "--output", "file/classifier", "--steps", "1000000"]);
        assert_refused(&run, &train, 1, &["--output file/classifier: file is not a folder"]);
        let evaluate = run.sd(&["evaluate", "--model", model, "--classifier", "none", "--output", "file/evaluation"]);
        assert_refused(&run, &evaluate, 1, &["--output file/evaluation: file is not a folder"]);
    }
    let convert = run.sd(&["convert", model, "none/model.safetensors"]);
    assert_refused(&run, &convert, 1, &["OUT none/model.safetensors: there is no folder none: make it first"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_kept() {
    use std::os::unix::fs::symlink;

    let run = Run::new();
    std::fs::create_dir(run.path("far")).unwrap();
    std::fs::write(run.path("far/old.png"), "old").unwrap();
    for (link, target) in [("there.png", "far/old.png"), ("dangling.png", "far/new.png"), ("latents", "far/latents")] {
        symlink(target, run.path(link)).unwrap();
    }
    assert_drawn(&run.generate(&["--seed", "1", "--output", "there.png", "--save-latents", "latents"]));
    assert_drawn(&run.generate(&["--seed", "1", "--output", "dangling.png"]));
    assert!(["there.png", "dangling.png", "latents"].iter().all(|link| run.path(link).is_symlink()));
    assert!(run.read("far/old.png").starts_with(b"\x89PNG"));
    assert_eq!(run.read("far/old.png"), run.read("far/new.png"));
    assert_eq!(std::fs::read_dir(run.path("far")).unwrap().count(), 3);
    symlink("none/x.png", run.path("lost.png")).unwrap();
    assert_refused(
        &run,
        &run.generate(&["--output", "lost.png"]),
        1,
        &["--output lost.png", "there is no folder none"],
    );
    symlink("ring.png", run.path("ring.png")).unwrap();
    assert_refused(&run, &run.generate(&["--output", "ring.png"]), 1, &["--output ring.png", "ring"]);
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error_of_every_command() {
    use std::fs::OpenOptions;
    use std::process::Stdio;

    let run = Run::new();
    let model = MODEL.path().to_str().unwrap();
    let draw = ["generate", "--model", model, "--prompt", "x", "--steps", "1", "--width", "32", "--height", "32"];
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
    for flags in [
        &["samplers"][..],
        &["devices"],
        &["info", model],
        &["info", model, "--json"],
        &["--help"],
        &["generate", "--help"],
        &["--version"],
        &[&draw[..], &["--dry-run"]].concat(),
        &[&draw[..], &["--progress", "json"]].concat(),
        &draw,
    ] {
        let output = run.command(flags).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{flags:?}");
        assert_eq!(stderr(&output), "error: standard output: No space left on device (os error 28)\n", "{flags:?}");
        // The exit code is the same if the message cannot be written either.
        assert_eq!(run.command(flags).stderr(full()).stdout(full()).status().unwrap().code(), Some(1), "{flags:?}");
    }
    std::os::unix::fs::symlink("/dev/full", run.path("full.png")).unwrap();
    for flags in [["--output", "full.png"], ["--output", "/dev/full"], ["--save-latents", "/dev/full"]] {
        let output = run.generate(&flags);
        assert_eq!(output.status.code(), Some(1), "{flags:?}");
        assert!(stderr(&output).contains("No space left on device"), "{}", stderr(&output));
    }
    // A reader may stop early.
    let mut child = run.command(&["samplers"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait_with_output().unwrap().status.success());
}

#[cfg(target_os = "linux")]
#[test]
fn an_image_goes_to_standard_output_or_a_pipe_and_text_to_standard_error() {
    use std::process::{Command, Stdio};

    let run = Run::new();
    assert_drawn(&run.generate(&["--seed", "1"]));
    let image = run.read("out.png");
    for progress in ["bar", "json", "none"] {
        let output = run.generate(&["--seed", "1", "--output", "/dev/stdout", "--progress", progress]);
        assert_drawn(&output);
        assert!(output.stdout == image, "{progress}: {} bytes", output.stdout.len());
        assert_eq!(stderr(&output).is_empty(), progress == "none");
    }
    // Standard output that is itself a file.
    let file = std::fs::File::create(run.path("std.png")).unwrap();
    let model = MODEL.path().to_str().unwrap();
    let flags = ["generate", "--model", model, "--prompt", "a red house", "--steps", "2", "--width", "32"];
    let flags = [&flags[..], &["--height", "32", "--seed", "1", "--output", "/dev/stdout"]].concat();
    assert!(run.command(&flags).stdout(Stdio::from(file)).stderr(Stdio::null()).status().unwrap().success());
    assert_eq!(run.read("std.png"), image);
    assert!(Command::new("mkfifo").arg(run.path("pipe")).status().unwrap().success());
    let reader = Command::new("cat").arg(run.path("pipe")).stdout(Stdio::piped()).spawn().unwrap();
    assert_drawn(&run.generate(&["--seed", "1", "--output", "pipe"]));
    assert_eq!(reader.wait_with_output().unwrap().stdout, image);
    // An image that nobody reads is lost.
    let mut child = run.command(&flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("/dev/stdout: Broken pipe"), "{}", stderr(&output));
}
