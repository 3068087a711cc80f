//! How prompts are read.

use sd_pipeline::Image;

use crate::{Run, stderr};

#[test]
fn an_ordinary_prompt_is_the_same_in_every_syntax() {
    let run = Run::new();
    let negative = ["--negative-prompt", "dull, grey"];
    let images = ["a1111", "comfy", "plain"].map(|syntax| {
        let drawn = run.draw(&[&["--prompt-syntax", syntax][..], &negative].concat());
        assert_eq!(drawn.warnings, "");
        drawn.image
    });
    assert_eq!(images[0], run.draw(&negative).image);
    assert!(images[1] == images[0] && images[2] == images[0]);
}

#[test]
fn a_weight_of_1_changes_nothing_to_the_bit() {
    let run = Run::new();
    let image = |prompt: &str, syntax: &str| run.draw(&["--prompt", prompt, "--prompt-syntax", syntax]).image;
    let plain = image("a red house", "plain");
    for prompt in ["a (red:1.0) house", "(a red house:1)", "a red house:1"] {
        assert_eq!(image(prompt, "a1111"), plain, "{prompt}");
    }
    assert_eq!(image("a (red:1) house", "comfy"), plain);
    assert_ne!(image("a (red:1) house", "plain"), plain);
}

#[test]
fn every_kind_of_syntax_changes_the_image() {
    let run = Run::new();
    let prompts = [
        "a red house",
        "a (red) house",
        "a (red:1.3) house",
        "a [red] house",
        "a red house:0.5 AND fog:0.1",
        "a red BREAK house",
        "a red house AND a boat",
        "a red house AND a boat:-0.3",
        "a [red:blue:0.5] house",
        "a [red|blue] house",
        "a red house [by the sea:1]",
    ];
    let mut images: Vec<Image> = Vec::new();
    for prompt in prompts {
        let drawn = run.draw(&["--prompt", prompt, "--steps", "4", "--sampler", "ddim"]);
        assert_eq!(drawn.warnings, "", "{prompt}");
        assert!(!images.contains(&drawn.image), "{prompt}");
        assert!(drawn.settings().contains(&format!("{prompt}\nSteps: 4")), "{prompt}");
        images.push(drawn.image);
    }
}

#[test]
fn parts_that_are_weighted_with_0_or_are_alike_leave_the_prompt() {
    let run = Run::new();
    let drawn = |prompt: &str| run.draw(&["--prompt", prompt, "--guidance", "3"]);
    let alone = drawn("a red house");
    for prompt in ["a red house AND a boat:0", "a red house:0.5 AND a red house:0.5"] {
        assert!(drawn(prompt).difference(&alone) <= 1, "{prompt}");
    }
}

#[test]
fn a_long_prompt_is_read_to_its_end_unless_it_is_plain() {
    let run = Run::new();
    // 24 letters in the tiny vocabulary fill all of the 75 places.
    let word = "abcdefghijklmnopqrstuvwxyz";
    let ends = ["near", "far"].map(|end| format!("{word} {word} {word} {word} {end}"));
    for (syntax, is_cut) in [("a1111", false), ("comfy", false), ("plain", true)] {
        let images = ends.each_ref().map(|prompt| {
            let drawn = run.draw(&["--prompt", prompt, "--prompt-syntax", syntax]);
            let end = prompt.rsplit(' ').next().unwrap();
            let warned = drawn.warnings.contains("warning: --prompt is too long") && drawn.warnings.contains(end);
            assert_eq!((warned, drawn.warnings.is_empty()), (is_cut, !is_cut), "{syntax}: {}", drawn.warnings);
            drawn.image
        });
        assert_eq!(images[0] == images[1], is_cut, "{syntax}");
    }
    let region = format!("0,0,8,8:{}", ends[0]);
    for (flag, text) in [("--negative-prompt", &ends[0]), ("--region", &region)] {
        let drawn = run.draw(&[flag, text, "--prompt-syntax", "plain"]);
        assert!(drawn.warnings.contains(&format!("warning: {flag} is too long")), "{}", drawn.warnings);
    }
}

/// It reads 38 tokens at once.
#[cfg(feature = "scenes")]
#[test]
fn the_built_in_model_reads_long_prompts() {
    let run = Run::new();
    let prompt = format!("{}a house by the sea", "a red tree, ".repeat(10));
    let warnings = ["a1111", "plain"].map(|syntax| {
        let flags = ["generate", "--steps", "2", "--seed", "1", "--prompt", &prompt, "--prompt-syntax", syntax];
        run.drawn(&run.sd(&flags)).warnings
    });
    assert_eq!(warnings[0], "");
    assert!(warnings[1].contains("this end is ignored: \"tree, a house by the sea\""), "{}", warnings[1]);
}

#[test]
fn what_has_no_effect_is_reported() {
    let run = Run::new();
    let negative = "warning: --negative-prompt has no effect: images are drawn without guidance";
    let never = "warning: --prompt: \"[red:blue:1]\" never changes: its number is too high for 2 steps";
    for (flags, warning) in [
        (&["--prompt", "a [red:blue:1] house"][..], never),
        (&["--prompt", "a [red:blue:0.5] house", "--steps", "3"], ""),
        (&["--negative-prompt", "[red:blue:9]"], "warning: --negative-prompt: \"[red:blue:9]\" never changes"),
        (&["--region", "0,0,8,8:[red:blue:9]"], "warning: --region: \"[red:blue:9]\" never changes"),
        (&["--prompt", "a [cat:dog:1.4]", "--hires", "2", "--hires-strength", "1"], ""),
        (
            &["--prompt", "a [cat:dog:9]", "--hires", "2"],
            "\"[cat:dog:9]\" never changes: its number is too high for 3 steps",
        ),
        (&["--guidance-schedule", "7x5"], "warning: --guidance-schedule names 5 steps, but only 2 are made"),
        (&["--guidance-schedule", "7x1+2x1"], ""),
        (&["--guidance", "1", "--negative-prompt", "dull"], negative),
        (&["--guidance-schedule", "1x2", "--negative-prompt", "dull"], negative),
        (&["--guidance", "1", "--negative-prompt", "dull", "--pag", "3"], negative),
        (&["--guidance", "0.5", "--negative-prompt", "dull", "--cfg-plus-plus"], ""),
        (&["--guidance", "1", "--negative-prompt", "dull", "--perp-neg"], ""),
        (&["--guidance", "1", "--negative-prompt", "dull", "--prompt", "a house AND a boat"], ""),
    ] {
        let output = run.generate(&[&["--seed", "1", "--sampler", "ddim", "--dry-run"][..], flags].concat());
        let found = stderr(&output);
        assert!(output.status.success() && found.contains(warning), "{flags:?}: {found}");
        assert_eq!(found.is_empty(), warning.is_empty(), "{flags:?}: {found}");
    }
}

#[test]
fn clip_skip_counts_from_the_last_layer() {
    let run = Run::new();
    let files = ["1", "2", "3"].map(|skip| run.draw(&["--clip-skip", skip]).file);
    assert_eq!(files[0], run.draw(&[]).file);
    assert!(files[0] != files[1] && files[1] != files[2]);
    for layer in ["0", "99"] {
        run.refuses(&["--clip-skip", layer], &[&format!("--clip-skip {layer}: a number from 1 to 3")]);
    }
    run.refuses(&["--prompt-syntax", "html"], &["html", "a1111", "comfy", "plain"]);
}

#[test]
fn an_image_can_be_drawn_again_with_the_choices_of_its_seed() {
    let run = Run::new();
    std::fs::create_dir(run.path("lists")).unwrap();
    std::fs::write(run.path("lists/colour.txt"), "red\nblue\ngreen\n").unwrap();
    let flags = ["--prompt", "a __colour__ {house|boat|tree}", "--negative-prompt", "{dull|grey}"];
    let flags = [&flags[..], &["--wildcards", "lists", "--steps", "1", "--sampler", "ddim"]].concat();
    assert!(run.generate(&[&flags[..], &["--seed", "5", "--count", "3"]].concat()).status.success());
    let prompts = ["5", "6", "7"].map(|seed| {
        let expanded = run.sd(&[&["expand", flags[1]], &flags[2..6], &["--seed", seed]].concat());
        crate::stdout(&expanded).trim().to_string()
    });
    assert!(prompts.iter().any(|prompt| *prompt != prompts[0]), "{prompts:?}");
    for (i, (seed, prompt)) in ["5", "6", "7"].iter().zip(&prompts).enumerate() {
        let alone = run.draw(&[&flags[..], &["--seed", seed]].concat());
        assert_eq!(alone.file, run.read(&format!("out-{i}.png")), "seed {seed}");
        assert!(alone.settings().contains(&format!("{prompt}\nSteps: ")), "{prompt}: {}", alone.settings());
    }
}
