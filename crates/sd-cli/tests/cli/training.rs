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
fn a_training_says_what_it_does_and_where_the_model_is() {
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
    // Once it is made, there is nothing left to do.
    let again = train(&run, RECIPE, &["--progress", "json"]);
    assert!(stdout(&again).contains("\"step\":4") && !stdout(&again).contains("loss"), "{}", stdout(&again));
}

#[test]
fn a_recipe_that_cannot_be_followed_is_wrong_usage() {
    let run = Run::new();
    for (from, to, words) in [
        ("steps = 4", "stops = 4", "recipe.toml: line 13, column 1: unknown field `stops`"),
        ("scenes = 4", "folder = \".\"", "no pictures in it"),
    ] {
        let output = train(&run, &RECIPE.replace(from, to), &[]);
        assert_eq!(output.status.code(), Some(2));
        let message = stderr(&output);
        assert!(message.starts_with("error: ") && message.contains(words) && message.lines().count() == 1, "{message}");
    }
    assert_eq!(run.sd(&["train", "nowhere.toml"]).status.code(), Some(1));
}

/// What Ctrl-C sends.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_checkpoint_to_go_on_from() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let run = Run::new();
    std::fs::write(run.path("recipe.toml"), RECIPE.replace("steps = 4", "steps = 100000")).unwrap();
    let mut command = run.command(&["train", "recipe.toml", "--progress", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().contains("\"step\":2,")).unwrap().unwrap();
    let signal = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signal.success());
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("the same command goes on from there"), "{}", stderr(&output));
    assert!(run.path("out/checkpoint/training.json").is_file());
}
