use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::{Run, stderr, stdout};

/// The lines that `sd expand` prints.
#[track_caller]
fn expand(run: &Run, flags: &[&str]) -> Vec<String> {
    let output = run.sd(&[&["expand"], flags].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output).lines().map(String::from).collect()
}

#[track_caller]
fn fails(run: &Run, flags: &[&str], code: i32, message: &str) {
    let output = run.sd(&[&["expand"], flags].concat());
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    assert!(stderr(&output).contains(message), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
}

#[test]
fn prompts_of_a_count_are_those_of_the_next_seeds() {
    let run = Run::new();
    let prompt = "{a|b|c|d} {2$$ and $$e|f|g|h}";
    let four = expand(&run, &[prompt, "--seed", "7", "--count", "4"]);
    let each: Vec<String> = ["7", "8", "9", "10"].map(|seed| expand(&run, &[prompt, "--seed", seed]).remove(0)).into();
    assert_eq!(four, each);
    assert!(each.iter().any(|text| *text != each[0]), "{each:?}");
    let wrapped = expand(&run, &[prompt, "--seed", "18446744073709551615", "--count", "2"]);
    assert_eq!(wrapped[1], expand(&run, &[prompt, "--seed", "0"])[0]);
}

#[test]
fn all_combinations_are_listed_with_those_of_the_negative_prompt() {
    let run = Run::new();
    assert_eq!(expand(&run, &["a {b|c} {d|e}", "--all"]), ["a b d", "a b e", "a c d", "a c e"]);
    let negative = ["{a|b}", "--all", "--negative-prompt", "{x|y}"];
    let lines =
        ["a", "Negative prompt: x", "a", "Negative prompt: y", "b", "Negative prompt: x", "b", "Negative prompt: y"];
    assert_eq!(expand(&run, &negative), lines);
}

/// 10³⁰ combinations.
#[test]
fn a_reader_of_all_combinations_may_stop() {
    let prompt = "{0|1|2|3|4|5|6|7|8|9}".repeat(30);
    let mut program = Run::new()
        .command(&["expand", &prompt, "--all"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(program.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, format!("{}\n", "0".repeat(30)));
    drop(output);
    let ended = program.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", stderr(&ended));
    assert_eq!(stderr(&ended), "");
}

#[test]
fn styles_and_wildcards_may_contain_choices() {
    let run = Run::new();
    fs::create_dir(run.path("words")).unwrap();
    fs::write(run.path("words/colour.txt"), "red\n{light|dark} blue\n").unwrap();
    let table =
        "name,prompt,negative_prompt\nOil,\"oil painting of {prompt}, {fog|rain}\",photo\nCalm,calm,__colour__\n";
    fs::write(run.path("styles.csv"), table).unwrap();
    let flags = ["--style", "styles.csv:Oil", "--style", "styles.csv:Calm", "--wildcards", "words"];
    let lines = expand(&run, &[&["a __colour__ house", "--all"][..], &flags].concat());
    assert_eq!(lines.len(), 2 * 3 * 2 * 3);
    assert_eq!(lines[0], "oil painting of a red house, fog, calm");
    assert_eq!(lines[1], "Negative prompt: photo, red");
    assert_eq!(lines[lines.len() - 2], "oil painting of a dark blue house, rain, calm");
    assert_eq!(lines[lines.len() - 1], "Negative prompt: photo, dark blue");
}

#[test]
fn wrong_prompts_wildcards_and_styles_are_explained() {
    let run = Run::new();
    fs::create_dir(run.path("words")).unwrap();
    fs::write(run.path("words/colour.txt"), "red __colour__\n").unwrap();
    fs::write(run.path("styles.csv"), "name,prompt\nOil,oil\n").unwrap();
    let words = ["--wildcards", "words"];
    fails(&run, &["__colour__"], 2, "`__colour__`: a wildcard needs a folder of text files; give it with --wildcards");
    fails(&run, &[&["__x__"][..], &words].concat(), 2, "`__x__`: no such wildcard in words; there are: colour");
    fails(&run, &[&["__colour__", "--all"][..], &words].concat(), 2, "the wildcard contains itself");
    fails(&run, &["x", "--wildcards", "nowhere"], 1, "--wildcards nowhere: ");
    fails(&run, &["x", "--style", "Oil"], 2, "expected FILE.csv:NAME");
    fails(&run, &["x", "--style", "styles.csv:Ink"], 2, "--style styles.csv: no style is called `Ink`; there are: Oil");
    fails(&run, &["x", "--style", "no.csv:Ink"], 1, "--style no.csv: ");
    fails(&run, &["${a=b}"], 2, "this syntax of Dynamic Prompts is not supported");
    fails(&run, &["x", "--all", "--seed", "1"], 2, "--all");
    fails(&run, &["x", "--count", "0"], 2, "--count");
}
