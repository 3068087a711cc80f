//! Files that prompts name: LoRAs, textual inversions, styles and wildcards.

use std::fs;

use sd_golden::write_tensors;

use crate::model::{MODULE, lora};
use crate::{Run, assert_drawn, stderr};

/// A run with the folders `loras` and `words`.
pub fn run() -> Run {
    let run = Run::new();
    fs::create_dir(run.path("loras")).unwrap();
    fs::create_dir(run.path("words")).unwrap();
    for (name, module) in [("ink", MODULE), ("chalk", &MODULE.replace("to_q", "to_k"))] {
        write_tensors(&lora(module, 16), &run.path("loras").join(name).with_extension("safetensors"));
    }
    for (name, phase) in [("tabby", 0.0), ("blur", 2.0)] {
        let vector = (0..32).map(|i| (i as f32 + phase).cos()).collect();
        let tensors = [("<cat>".to_string(), (vec![1, 32], vector))].into();
        write_tensors(&tensors, &run.path("words").join(name).with_extension("safetensors"));
    }
    run
}

#[test]
fn a_tag_is_a_lora_of_the_folder() {
    let run = run();
    let plain = run.draw(&[]).image;
    let expected = run.draw(&["--lora", "loras/ink.safetensors:0.5"]).image;
    assert_ne!(expected, plain);
    for prompt in
        ["a red house <lora:ink:0.5>", "<lora:INK:0.25>a red house<lora:ink:0.25>", "a <lyco:ink:0.5>red house"]
    {
        let drawn = run.draw(&["--prompt", prompt, "--lora-dir", "loras"]);
        assert!(drawn.image == expected, "{prompt}");
        assert!(drawn.warnings.is_empty() && drawn.settings().contains(prompt), "{prompt}: {}", drawn.warnings);
    }
    let flags = ["--prompt", "a red house <lora:ink:0.5>", "--seed", "1", "--steps", "2", "--width", "32"];
    let model = ["generate", "--model", crate::MODEL.path().to_str().unwrap(), "--height", "32"];
    let output = run.command(&[&model[..], &flags].concat()).env("LORA_DIR", "loras").output().unwrap();
    assert!(run.drawn(&output).image == expected);
    // In plain prompts it is text.
    let text = run.draw(&["--prompt", flags[1], "--prompt-syntax", "plain"]).image;
    assert!(text != expected && text != plain);
}

#[test]
fn a_tag_that_is_no_lora_is_ignored_with_a_warning() {
    let run = run();
    let expected = run.draw(&[]).image;
    for tag in ["<lora:ink:strong>", "<hypernet:ink:1>"] {
        let drawn = run.draw(&["--prompt", &format!("a red house{tag}"), "--lora-dir", "loras"]);
        assert!(drawn.image == expected, "{tag}");
        assert!(drawn.warnings.contains(&format!("warning: --prompt: {tag} is no LoRA")), "{}", drawn.warnings);
    }
    let drawn = run.draw(&["--prompt", "a red house<lora:ink:0.3:0>", "--lora-dir", "loras"]);
    assert!(drawn.image == expected && drawn.warnings.contains("both get 0"), "{}", drawn.warnings);
}

#[test]
fn names_without_a_file_are_refused_with_those_there_are() {
    let run = run();
    let [ink, cat] = ["a <lora:pen:1>", "an embedding:lion"];
    for (flags, words) in [
        (&["--prompt", ink, "--lora-dir", "loras"][..], &["\"pen\"", "--lora-dir loras: it has chalk, ink"][..]),
        (&["--prompt", ink], &["\"pen\"", "give its folder with --lora-dir"]),
        (&["--prompt", ink, "--lora-dir", "none"], &["--lora-dir none: expected a folder"]),
        (&["--prompt", ink, "--lora-dir", "words"], &["it has blur, tabby"]),
        (&["--prompt", cat, "--embedding-dir", "words"], &["\"lion\"", "--embedding-dir words: it has blur, tabby"]),
        (&["--negative-prompt", cat, "--embedding-dir", "words"], &["\"lion\"", "it has blur, tabby"]),
        (&["--region", "0,0,8,8:an embedding:lion", "--embedding-dir", "words"], &["\"lion\""]),
        (&["--embedding-dir", "none"], &["--embedding-dir none: expected a folder"]),
        (&["--prompt", "a __colour__", "--wildcards", "words"], &["`__colour__`", "words", "there are none"]),
        (&["--prompt", "a __colour__"], &["colour", "--wildcards"]),
    ] {
        run.refuses(flags, words);
    }
}

#[test]
fn images_of_a_count_have_the_loras_of_their_own_prompts() {
    let run = run();
    let prompt = "a house {<lora:ink:1>|<lora:chalk:1>|<lora:ink:0.5><lora:chalk:0.5>|}";
    let flags = ["--prompt", prompt, "--lora-dir", "loras", "--steps", "1", "--sampler", "ddim"];
    assert_drawn(&run.generate(&[&flags[..], &["--seed", "0", "--count", "8"]].concat()));
    let mut prompts = Vec::new();
    for i in 0..8 {
        let alone = run.draw(&[&flags[..], &["--seed", &i.to_string()]].concat());
        assert!(alone.file == run.read(&format!("out-{i}.png")), "image {i}");
        prompts.push(alone.settings().lines().next().unwrap().to_string());
    }
    prompts.sort();
    prompts.dedup();
    assert_eq!(prompts.len(), 4, "{prompts:?}");
}

#[test]
fn a_word_is_a_textual_inversion_of_the_folder() {
    let run = run();
    let expected = run.draw(&["--embedding", "words/tabby.safetensors:tabby", "--prompt", "a tabby"]).image;
    let flags = ["--embedding-dir", "words"];
    for (prompt, syntax) in
        [("a tabby", "a1111"), ("a Tabby", "a1111"), ("a embedding:tabby", "a1111"), ("a embedding:tabby", "comfy")]
    {
        let drawn = run.draw(&[&flags[..], &["--prompt", prompt, "--prompt-syntax", syntax]].concat());
        assert!(drawn.image == expected, "{prompt} in {syntax}");
    }
    for (prompt, syntax) in [("a tabby", "comfy"), ("a tabby", "plain"), ("a embedding:tabby", "plain")] {
        let own = ["--prompt", prompt, "--prompt-syntax", syntax];
        assert!(run.draw(&[&flags[..], &own].concat()).image == run.draw(&own).image, "{prompt} in {syntax}");
    }
    // What is not mentioned changes nothing.
    assert_eq!(run.draw(&flags).file, run.draw(&[]).file);
    let negatives = ["blur", "(embedding:blur:1.2)", "dull"].map(|negative| {
        let own = ["--negative-prompt", negative];
        run.draw(&[&flags[..], &own].concat()).image != run.draw(&["--negative-prompt", "dull"]).image
    });
    assert_eq!(negatives, [true, true, false]);
}

#[cfg(feature = "scenes")]
#[test]
fn the_built_in_model_knows_the_words_of_the_folder() {
    let run = run();
    let vector = (vec![1, 128], vec![0.01; 128]);
    write_tensors(&[("<cat>".to_string(), vector)].into(), &run.path("words/tabby.safetensors"));
    let flags = ["generate", "--dry-run", "--embedding-dir", "words", "--prompt"];
    for (prompt, unknown) in
        [("a embedding:tabby", ""), ("a (tabby:1.2)", ""), ("a tabby, xyzzy", "has never seen xyzzy;")]
    {
        let output = run.sd(&[&flags[..], &[prompt]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let warnings = stderr(&output);
        assert!(warnings.contains(unknown) && warnings.is_empty() == unknown.is_empty(), "{prompt}: {warnings}");
    }
}

#[test]
fn a_style_is_put_around_the_prompt() {
    let run = run();
    let table = "name,prompt,negative_prompt\nink,\"ink drawing of {prompt}, fine\",colour\nbold,(bold:1.2),\n";
    fs::write(run.path("styles.csv"), table).unwrap();
    let styled = run.draw(&["--style", "styles.csv:ink", "--style", "styles.csv:bold", "--negative-prompt", "dull"]);
    let prompt = "ink drawing of a red house, fine, (bold:1.2)";
    assert_eq!(styled.file, run.draw(&["--prompt", prompt, "--negative-prompt", "dull, colour"]).file);
    run.refuses(&["--style", "styles.csv:oil"], &["--style styles.csv", "`oil`", "ink", "bold"]);
    run.refuses(&["--style", "ink"], &["--style", "FILE.csv:NAME"]);
    let output = run.generate(&["--style", "none.csv:ink"]);
    assert!(stderr(&output).starts_with("error: --style none.csv: No such file"), "{}", stderr(&output));
}
