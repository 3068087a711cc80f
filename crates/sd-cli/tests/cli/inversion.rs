//! Images inverted to their noise, and images between two noises.

use sd_pipeline::Image;

use crate::{MODEL, Run, assert_drawn, stderr, stdout};

/// A tiny image of one colour.
fn image(run: &Run, name: &str, width: usize, height: usize) {
    let rgb = (0..width * height).flat_map(|i| [200, 100, (i % width * 4) as u8]).collect();
    Image { width, height, rgb }.save(run.path(name)).unwrap();
}

/// The mean square difference of two images with values from 0 to 1.
fn mean_square(run: &Run, a: &str, b: &str) -> f64 {
    let [a, b] = [a, b].map(|name| Image::read(run.path(name)).unwrap().rgb);
    a.iter().zip(&b).map(|(a, b)| (f64::from(a.abs_diff(*b)) / 255.0).powi(2)).sum::<f64>() / a.len() as f64
}

#[cfg(feature = "scenes")]
#[test]
fn an_inverted_landscape_is_drawn_again() {
    let run = Run::new();
    let prompt = ["--prompt", "a red house by the sea at sunset"];
    assert_drawn(&run.sd(&[&["generate", "--seed", "1", "--output", "house.png"], &prompt[..]].concat()));
    let errors = ["10", "40"].map(|steps| {
        let invert = ["invert", "house.png", "--steps", steps, "--output", "noise.safetensors"];
        assert_drawn(&run.sd(&[&invert, &prompt[..]].concat()));
        let flags = ["--steps", steps, "--sampler", "ddim", "--guidance", "1", "--latents", "noise.safetensors"];
        assert_drawn(&run.sd(&[&["generate", "--output", "again.png"], &prompt[..], &flags].concat()));
        mean_square(&run, "house.png", "again.png")
    });
    // What the autoencoder loses stays, however many steps there are.
    assert!(errors[1] < 2e-4 && errors[1] < errors[0], "{errors:?}");
}

#[test]
fn an_inversion_writes_latents_and_nothing_else() {
    let run = Run::new();
    image(&run, "in.png", 32, 24);
    let model = MODEL.path().to_str().unwrap();
    let flags = ["invert", "in.png", "--model", model, "--steps", "3", "--output", "noise.safetensors"];
    let output = run.sd(&flags);
    assert_drawn(&output);
    assert!(stdout(&output).contains("noise.safetensors ("), "{}", stdout(&output));
    assert_eq!(run.files(), ["in.png", "noise.safetensors"]);
    let file = run.read("noise.safetensors");
    let file = safetensors::SafeTensors::deserialize(&file).unwrap();
    assert_eq!(file.tensor("latents").unwrap().shape(), [1, 4, 3, 4]);
}

#[test]
fn the_ends_of_an_interpolation_are_the_images_of_the_seeds() {
    let run = Run::new();
    let model = MODEL.path().to_str().unwrap();
    let flags = ["--model", model, "--prompt", "a red house", "--steps", "2"];
    let between = ["interpolate", "--from", "3", "--to", "4", "--frames", "3", "--output", "frame.png"];
    assert_drawn(&run.sd(&[&between, &flags[..]].concat()));
    assert_eq!(run.files(), ["frame-0.png", "frame-1.png", "frame-2.png"]);
    for (seed, frame) in [("3", "frame-0.png"), ("4", "frame-2.png")] {
        assert_drawn(&run.sd(&[&["generate", "--seed", seed, "--sampler", "ddim"], &flags[..]].concat()));
        assert!(run.image("out.png") == run.image(frame), "{frame}");
    }
    let middle = run.read("frame-1.png");
    assert!(middle != run.read("frame-0.png") && middle != run.read("frame-2.png"));
    let text = String::from_utf8_lossy(&middle).into_owned();
    assert!(text.contains("Initial noise: from seed 3 to seed 4, Frame: 1 of 3") && !text.contains("Seed:"), "{text}");
}

#[test]
fn inverted_images_are_interpolated_on_a_sheet() {
    let run = Run::new();
    image(&run, "in.png", 32, 24);
    let model = MODEL.path().to_str().unwrap();
    let invert = ["invert", "in.png", "--model", model, "--steps", "2", "--output", "noise.safetensors"];
    assert_drawn(&run.sd(&invert));
    let between = ["interpolate", "--from", "7", "--to", "noise.safetensors", "--model", model, "--prompt", ""];
    assert_drawn(&run.sd(&[&between[..], &["--steps", "2", "--frames", "4", "--sheet", "--guidance", "1"]].concat()));
    assert_eq!(run.files(), ["in.png", "noise.safetensors", "out.png"]);
    // Four frames with gaps of two pixels.
    let sheet = Image::read(run.path("out.png")).unwrap();
    assert_eq!((sheet.width, sheet.height), (4 * 34 + 2, 24 + 4));
}

/// Checks that `sd` fails with this exit code and one line with all these words, and writes nothing.
#[track_caller]
fn assert_refused(run: &Run, flags: &[&str], code: i32, words: &[&str]) {
    let before = run.files();
    let output = run.sd(&[flags, &["--model", MODEL.path().to_str().unwrap(), "--device", "flex"]].concat());
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{message}");
    assert!(message.trim_end().lines().count() == 1 && message.starts_with("error: "), "{message}");
    assert!(words.iter().all(|word| message.contains(word)), "{words:?} in: {message}");
    assert_eq!(run.files(), before);
}

#[test]
fn images_that_cannot_be_inverted_are_refused() {
    let run = Run::new();
    image(&run, "odd.png", 30, 24);
    image(&run, "in.png", 32, 24);
    std::fs::write(run.path("text.png"), "no image").unwrap();
    let invert = |image| ["invert", image, "--output", "noise.safetensors"];
    assert_refused(&run, &invert("none.png"), 1, &["none.png"]);
    assert_refused(&run, &invert("text.png"), 1, &["text.png"]);
    assert_refused(&run, &invert("odd.png"), 2, &["odd.png: 30×24", "multiples of 8", "32×24"]);
    assert_refused(&run, &[&invert("in.png")[..], &["--steps", "0"]].concat(), 2, &["0 steps"]);
    assert_refused(&run, &[&invert("in.png")[..], &["--guidance", "inf"]].concat(), 2, &["--guidance inf", "finite"]);
    assert_refused(&run, &["invert", "in.png", "--output", "no/noise.safetensors"], 1, &["--output", "no folder no"]);
}

#[test]
fn noises_that_cannot_be_interpolated_are_refused() {
    let run = Run::new();
    let write = |name: &str, shape: &[usize]| {
        let values = vec![0.5; shape.iter().product()];
        sd_pipeline::write_tensor(&run.path(name), "latents", &values, shape).unwrap();
    };
    write("flat.safetensors", &[4, 4, 4]);
    write("pixels.safetensors", &[1, 3, 8, 8]);
    write("small.safetensors", &[1, 4, 2, 2]);
    write("large.safetensors", &[1, 4, 4, 4]);
    let between = |from, to| ["interpolate", "--from", from, "--to", to, "--prompt", "a"];
    assert_refused(&run, &between("1", "2.5"), 2, &["--to 2.5", "neither a seed", "nor a file"]);
    assert_refused(
        &run,
        &between("flat.safetensors", "2"),
        2,
        &["--from flat.safetensors", "[4, 4, 4]", "expected [1, 4"],
    );
    assert_refused(&run, &between("1", "pixels.safetensors"), 2, &["--to pixels.safetensors", "expected [1, 4, 8, 8]"]);
    let two = between("small.safetensors", "large.safetensors");
    assert_refused(&run, &two, 2, &["--to large.safetensors", "[1, 4, 4, 4]", "expected [1, 4, 2, 2]"]);
    assert_refused(
        &run,
        &[&between("1", "2")[..], &["--sampler", "euler-a"]].concat(),
        2,
        &["--sampler euler-a", "fresh noise"],
    );
    assert_refused(
        &run,
        &[&between("1", "2")[..], &["--output", "out.gif"]].concat(),
        2,
        &["--output out.gif", ".png"],
    );
    assert_refused(&run, &["interpolate", "--from", "1", "--to", "2"], 2, &["--prompt is missing"]);
}
