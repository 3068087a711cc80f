//! Enlarging images.

use std::io::Write;
use std::process::{Output, Stdio};

use sd_golden::write_upscaler;

use crate::{Run, stderr, stdout};

/// A folder with the small image `in.png` and the tiny network `x4.safetensors`.
fn folder() -> Run {
    let run = Run::new();
    write_upscaler("old-x4", &run.path("x4.safetensors"));
    std::fs::write(run.path("in.png"), png(20, 12)).unwrap();
    run
}

/// The bytes of a PNG file with a ramp of colours.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = (0..3 * width * height).map(|i| (i % 251) as u8).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}

/// The width and height of a PNG file.
fn size(run: &Run, name: &str) -> (u32, u32) {
    let reader = png::Decoder::new(std::io::Cursor::new(run.read(name))).read_info().unwrap();
    reader.info().size()
}

#[track_caller]
fn assert_written(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

#[test]
fn an_image_is_enlarged_by_a_network_or_without() {
    let run = folder();
    for (flags, expected) in [
        (&["--model", "x4.safetensors"][..], (80, 48)),
        (&["--model", "x4.safetensors", "--scale", "1.5"], (30, 18)),
        (&["--model", "x4.safetensors", "--scale", "5", "--dtype", "bf16"], (100, 60)),
        (&[], (40, 24)),
        (&["--scale", "0.5"], (10, 6)),
    ] {
        let output = run.sd(&[&["upscale", "in.png", "out.png", "--progress", "none"][..], flags].concat());
        assert_written(&output);
        assert_eq!(size(&run, "out.png"), expected, "{flags:?}");
        assert_eq!(stdout(&output), "");
    }
    assert_eq!(run.files(), ["in.png", "out.png", "x4.safetensors"]);
}

#[test]
fn the_progress_of_each_tile_is_reported() {
    let run = folder();
    std::fs::write(run.path("wide.png"), png(200, 10)).unwrap();
    let flags = ["upscale", "wide.png", "out.png", "--model", "x4.safetensors", "--tile", "128", "--progress", "json"];
    let output = run.sd(&flags);
    assert_written(&output);
    let said = stdout(&output);
    // Three parts for each of four tiles.
    assert!(said.contains(r#""done":12,"event":"work""#) && said.contains(r#""total":12"#), "{said}");
    assert!(said.lines().last().unwrap().contains(r#""file":"out.png""#), "{said}");
    assert_eq!(size(&run, "out.png"), (800, 40));
}

#[test]
fn an_image_comes_from_standard_input_and_goes_to_standard_output() {
    let run = folder();
    assert_written(&run.sd(&["upscale", "in.png", "file.png", "--model", "x4.safetensors"]));
    let mut command = run.command(&["upscale", "-", "/dev/stdout", "--model", "x4.safetensors"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&run.read("in.png")).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_written(&output);
    assert_eq!(output.stdout, run.read("file.png"));
}

#[test]
fn what_cannot_be_enlarged_is_refused_in_one_line() {
    let run = folder();
    std::fs::write(run.path("text.txt"), "no image and no network").unwrap();
    write_upscaler("old-x4", &run.path("x.safetensors"));
    let model = crate::MODEL.path().join("unet/diffusion_pytorch_model.safetensors");
    let unet = model.to_str().unwrap();
    let before = run.files();
    let x4 = ["--model", "x4.safetensors"];
    for (flags, code, expected) in [
        (vec!["none.png", "out.png"], 1, "none.png: "),
        (vec!["text.txt", "out.png"], 1, "text.txt: it is not a PNG, JPEG or WebP image"),
        (vec!["in.png", "out.gif"], 2, "OUT out.gif: images are PNG, JPEG or WebP files"),
        (vec!["in.png", "none/out.png"], 1, "OUT none/out.png: there is no folder none"),
        (vec!["in.png", "out.png", "--model", "none.pth"], 1, "none.pth: "),
        (vec!["in.png", "out.png", "--model", "text.txt"], 1, "text.txt: not a weights file"),
        (
            vec!["in.png", "out.png", "--model", unet],
            1,
            "this is a network of a diffusion model: use a network of ESRGAN",
        ),
        (vec!["in.png", "out.png", "--scale", "0"], 2, "--scale 0: expected a number above 0"),
        (vec!["in.png", "out.png", "--scale", "-2"], 2, "--scale -2: expected a number above 0"),
        (vec!["in.png", "out.png", "--scale", "0.01"], 2, "--scale 0.01: nothing would be left"),
        (vec!["in.png", "out.png", "--scale", "1e5"], 2, "more than 500 million: use a smaller --scale"),
        ([&["in.png", "out.png", "--scale", "inf"][..], &x4].concat(), 2, "--scale inf: expected a number"),
        ([&["in.png", "out.png", "--tile", "20"][..], &x4].concat(), 2, "--tile 20: too small"),
        ([&["in.png", "out.png", "--device", "abacus"][..], &x4].concat(), 2, "unknown device `abacus`"),
    ] {
        let output = run.sd(&[&["upscale"][..], &flags].concat());
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {error}");
        assert!(error.starts_with("error: ") && error.contains(expected) && error.lines().count() == 1, "{error}");
        assert_eq!(run.files(), before, "{flags:?}");
    }
    let output = run.sd(&["upscale", "in.png", "out.png", "--tile", "256"]);
    assert!(stderr(&output).contains("--model"), "{}", stderr(&output));
}
