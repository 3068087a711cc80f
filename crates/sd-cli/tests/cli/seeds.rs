//! Seeds, and how they are reported.

use crate::{Run, assert_drawn, settings, stderr, stdout};

/// The settings inside an image.
#[test]
fn minus_one_is_a_new_seed_that_is_printed_and_saved() {
    let run = Run::new();
    let mut seeds = Vec::new();
    for flags in [&["--seed", "-1"][..], &["--seed=-1"], &[]] {
        let output = run.generate(flags);
        assert_drawn(&output);
        let said = stdout(&output);
        let seed = said.split("(seed ").nth(1).unwrap().split(',').next().unwrap().to_string();
        assert!(settings(&run.read("out.png")).contains(&format!(", Seed: {seed}, ")), "{said}");
        let image = run.read("out.png");
        assert_drawn(&run.generate(&["--seed", &seed, "--output", "again.png"]));
        assert_eq!(run.read("again.png"), image);
        seeds.push(seed);
    }
    seeds.dedup();
    assert_eq!(seeds.len(), 3);
}

/// `torch.manual_seed` uses their bits.
#[test]
fn other_negative_seeds_are_pytorchs() {
    let run = Run::new();
    assert_drawn(&run.generate(&["--seed", "-2"]));
    assert!(settings(&run.read("out.png")).contains(", Seed: 18446744073709551614, "));
    assert_drawn(&run.generate(&["--seed", "18446744073709551614", "--output", "bits.png"]));
    assert_eq!(run.read("out.png"), run.read("bits.png"));
    for seed in ["1.5", "eleven", "18446744073709551616"] {
        let output = run.generate(&["--seed", seed]);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            stderr(&output).contains("--seed") && stderr(&output).contains("-1 for a new one"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn an_image_of_noise_from_a_file_names_the_file_and_no_seed() {
    let run = Run::new();
    assert_drawn(&run.generate(&["--seed", "1", "--save-latents", "start, noise.safetensors"]));
    let start = ["--latents", "start, noise.safetensors", "--seed", "5"];
    let output =
        run.generate(&[&start[..], &["--sampler", "dpm++2m", "--count", "2", "--output", "many.png"]].concat());
    assert_drawn(&output);
    for file in ["many-0.png", "many-1.png"] {
        let found = settings(&run.read(file));
        assert!(found.contains("Initial noise: \"start, noise.safetensors\"") && !found.contains("seed"), "{found}");
        assert!(!found.contains("Seed"), "{found}");
    }
    assert!(
        !stdout(&output).contains("seed") && stdout(&output).contains("(noise of --latents, "),
        "{}",
        stdout(&output)
    );
    // Noise added during sampling still comes from the seed.
    assert_drawn(&run.generate(&[&start[..], &["--sampler", "euler-a"]].concat()));
    let found = settings(&run.read("out.png"));
    assert!(found.contains(", Step noise seed: 5, ") && !found.contains(", Seed: "), "{found}");
    let json = run.generate(&[&start[..], &["--progress", "json"]].concat());
    let last: serde_json::Value = serde_json::from_str(stdout(&json).lines().last().unwrap()).unwrap();
    assert!(last["event"] == "done" && last["seed"].is_null(), "{last}");
}
