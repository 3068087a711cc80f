//! `sd train`.

use std::process::Output;

use crate::{Run, assert_drawn, stderr, stdout};

const RECIPE: &str = r#"
train = "autoencoder"
output = "out"
[data]
scenes = 4
size = 16
[vae]
block_out_channels = [4]
down_block_types = ["DownEncoderBlock2D"]
up_block_types = ["UpDecoderBlock2D"]
norm_num_groups = 2
[training]
steps = 4
batch = 2
rate = 1e-3
[samples]
count = 2
"#;

fn train(run: &Run, recipe: &str, flags: &[&str]) -> Output {
    std::fs::write(run.path("recipe.toml"), recipe).unwrap();
    run.sd(&[&["train", "recipe.toml"], flags].concat())
}

#[test]
fn a_training_ends_with_the_path_of_the_model() {
    let run = Run::new();
    let output = train(&run, RECIPE, &[]);
    assert_drawn(&output);
    assert!(stdout(&output).ends_with("out/model\n"), "{}", stdout(&output));
    assert_eq!(run.files(), ["out", "recipe.toml"]);
    assert!(run.path("out/model/vae/diffusion_pytorch_model.safetensors").is_file());
}

#[test]
fn progress_as_json_is_a_line_per_step() {
    let run = Run::new();
    let output = train(&run, RECIPE, &["--progress", "json"]);
    assert_drawn(&output);
    let lines: Vec<serde_json::Value> = stdout(&output).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["busy", "started", "step", "step", "step", "step", "saved", "sampled"]);
    assert!(lines[2]["loss"].as_f64().unwrap() > 0.0);
    // A finished training has nothing left to do.
    let again = train(&run, RECIPE, &["--progress", "json"]);
    assert!(stdout(&again).contains("\"step\":4") && !stdout(&again).contains("loss"), "{}", stdout(&again));
}

#[test]
fn a_bad_recipe_is_wrong_usage() {
    let run = Run::new();
    for (from, to, words) in [
        ("steps = 4", "stops = 4", "recipe.toml: line 13, column 1: unknown field `stops`"),
        ("scenes = 4", "folder = \".\"", "no images in it"),
    ] {
        let output = train(&run, &RECIPE.replace(from, to), &[]);
        assert_eq!(output.status.code(), Some(2));
        let message = stderr(&output);
        assert!(message.starts_with("error: ") && message.contains(words) && message.lines().count() == 1, "{message}");
    }
    assert_eq!(run.sd(&["train", "nowhere.toml"]).status.code(), Some(1));
}

/// Starts a very long training, and returns after its second step.
#[cfg(unix)]
fn started(run: &Run) -> std::process::Child {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    std::fs::write(run.path("recipe.toml"), RECIPE.replace("steps = 4", "steps = 100000")).unwrap();
    let mut command = run.command(&["train", "recipe.toml", "--progress", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().contains("\"step\":2,")).unwrap().unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    child
}

#[cfg(unix)]
fn signal(child: &std::process::Child, name: &str) {
    let sent = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// SIGINT comes from Ctrl-C, SIGTERM from containers and job queues.
#[cfg(unix)]
#[test]
fn ctrl_c_and_sigterm_leave_a_checkpoint_to_continue_from() {
    for name in ["-INT", "-TERM"] {
        let run = Run::new();
        let child = started(&run);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
        assert!(stderr(&output).contains("the same command resumes from there"), "{}", stderr(&output));
        assert!(run.path("out/checkpoint/training.json").is_file());
    }
}

/// `nohup sd train` must continue when its terminal is closed.
#[cfg(unix)]
#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    use std::process::{Command, Stdio};

    let run = Run::new();
    std::fs::write(run.path("recipe.toml"), RECIPE.replace("steps = 4", "steps = 40")).unwrap();
    let mut command = Command::new("sh");
    let script =
        "trap '' HUP; \"$0\" train recipe.toml --progress json & kill -HUP $!; sleep 0.1; kill -HUP $!; wait $!";
    command.args(["-c", script, env!("CARGO_BIN_EXE_sd")]).current_dir(run.path(""));
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert_drawn(&output);
    assert!(run.path("out/model/trained.json").is_file());
}

#[cfg(unix)]
#[test]
fn two_trainings_cannot_share_a_folder_and_a_killed_one_does_not_block_it() {
    let run = Run::new();
    let mut child = started(&run);
    let second = run.sd(&["train", "recipe.toml"]);
    assert_eq!(second.status.code(), Some(1));
    let expected =
        format!("error: out: process {} (the training of recipe.toml) works in this folder: wait", child.id());
    assert!(stderr(&second).starts_with(&expected), "{}", stderr(&second));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_drawn(&train(&run, RECIPE, &[]));
}

/// Simulates a full disk.
#[test]
fn a_training_whose_model_could_not_be_written_is_finished_by_the_same_command() {
    let run = Run::new();
    std::fs::create_dir_all(run.path("out/samples/step-000004.png/x")).unwrap();
    let failed = train(&run, RECIPE, &[]);
    assert_eq!(failed.status.code(), Some(1), "{}", stderr(&failed));
    assert!(!stdout(&failed).contains("out/model"));
    std::fs::remove_dir_all(run.path("out/samples")).unwrap();
    let again = train(&run, RECIPE, &[]);
    assert_drawn(&again);
    assert!(stdout(&again).contains("out/samples/step-000004.png"), "{}", stdout(&again));
    assert!(run.path("out/model/vae/diffusion_pytorch_model.safetensors").is_file());
}

#[test]
fn a_dry_run_says_what_a_training_takes_and_begins_nothing() {
    let run = Run::new();
    let output = train(&run, RECIPE, &["--dry-run"]);
    assert_drawn(&output);
    for words in
        ["values\n", "images   4, each shown about 2.0 times\n", "steps    4, of 2 images\n", "time     about "]
    {
        assert!(stdout(&output).contains(words), "{words}: {}", stdout(&output));
    }
    assert_eq!(run.files(), ["recipe.toml"]);
    // The built-in model, whose files a training keeps in its output folder.
    let lora = "train = \"lora\"\noutput = \"out\"\nstart = \"scenes\"\ndata = { scenes = 2, size = 64 }\nlora = { rank = 1 }\n\
                training = { steps = 10, batch = 1, rate = 1e-3 }\n";
    let output = train(&run, lora, &["--dry-run", "--progress", "json"]);
    let last: serde_json::Value = serde_json::from_str(stdout(&output).lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["images"], &last["step"]), (&"estimate".into(), &2.into(), &0.into()));
    assert!(last["trained"].as_u64() > Some(1000) && last["seconds"].as_f64() > Some(0.0), "{last}");
    assert!(!cfg!(target_os = "linux") || last["memory"].as_u64() > Some(10_000_000), "{last}");
    assert_eq!(run.files(), ["recipe.toml"]);
    // Nothing is estimated of a wrong recipe.
    let output = train(&run, &RECIPE.replace("batch = 2", "batch = 0"), &["--dry-run"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}
