//! The built-in model.

use crate::{Run, assert_drawn, stderr};

#[test]
fn without_a_model_a_landscape_is_drawn() {
    let run = Run::new();
    let output = run.sd(&["generate", "--prompt", "a red house by the sea at sunset", "--seed", "1"]);
    assert_drawn(&output);
    assert_eq!(stderr(&output), "");
    let text = String::from_utf8_lossy(&run.read("out.png")).into_owned();
    assert!(text.contains("Steps: 25, ") && text.contains("CFG scale: 3, Seed: 1, Size: 64x64"), "{text}");
}

#[test]
fn unknown_words_are_named_once() {
    let run = Run::new();
    let flags = ["--steps", "1", "--seed", "1", "--count", "2"];
    let output = run.sd(&[&["generate", "--prompt", "a dragon by the sea, a robot and a Dragon"], &flags[..]].concat());
    assert_drawn(&output);
    let warnings = stderr(&output);
    assert_eq!(warnings.lines().count(), 1, "{warnings}");
    assert!(warnings.contains("has never seen dragon, robot; a full Stable Diffusion model"), "{warnings}");
}

/// Compares the vectors of older processors, numbers of threads, weights in f16 (as the file has them) and in bf16, which has
/// eight bits. Where a processor multiplies bf16 in tiles, all factors have eight bits, those of convolutions and of the
/// autoencoder too: so rounded in PyTorch, single pixels differ by up to 11, and by 0.4 on average.
#[test]
fn every_processor_draws_the_same_landscape() {
    let run = Run::new();
    let draw = |file: &str, vectors: Option<&str>, flags: &[&str]| {
        let all = ["generate", "--prompt", "a red house by the sea", "--seed", "1", "--steps", "5", "--output", file];
        let mut command = run.command(&[&all[..], flags].concat());
        if let Some(vectors) = vectors {
            command.env("SD_OPS_VECTORS", vectors);
        }
        assert_drawn(&command.output().unwrap());
        pixels(&run.read(file))
    };
    let best = draw("best.png", None, &[]);
    for (file, vectors, flags, most) in [
        ("plain.png", Some("plain"), &[][..], 1),
        ("one.png", None, &["--threads", "1"], 1),
        ("two.png", None, &["--threads", "2"], 1),
        ("f16.png", None, &["--dtype", "f16"], 0),
        ("bf16.png", None, &["--dtype", "bf16"], 20),
        ("plain-bf16.png", Some("plain"), &["--dtype", "bf16"], 12),
    ] {
        let apart = best.iter().zip(draw(file, vectors, flags)).map(|(a, b)| a.abs_diff(b)).max();
        assert!(apart <= Some(most), "{file}: {apart:?}");
    }
}

fn pixels(png: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    pixels
}

#[test]
fn unavailable_vectors_and_zero_threads_are_refused() {
    let run = Run::new();
    let output = run.command(&["samplers"]).env("SD_OPS_VECTORS", "mmx").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("SD_OPS_VECTORS=mmx: this processor has plain"), "{}", stderr(&output));
    let output = run.sd(&["samplers", "--threads", "0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--threads"), "{}", stderr(&output));
}
