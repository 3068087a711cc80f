//! What control networks see.

use std::io::Write;
use std::process::{Output, Stdio};

use sd_pipeline::{Image, Mask};

use crate::{Run, stderr, stdout};

/// A folder with `in.png`, a dark square on light paper, and `mask.png`, whose left half is white.
fn folder() -> Run {
    let run = Run::new();
    let square = |i: usize| (30..60).contains(&(i % 90)) && (20..50).contains(&(i / 90));
    image(|i| if square(i) { [60, 20, 90] } else { [240, 230, 220] }).save(run.path("in.png")).unwrap();
    image(|i| if i % 90 < 45 { [255; 3] } else { [0; 3] }).save(run.path("mask.png")).unwrap();
    run
}

fn image(pixel: impl Fn(usize) -> [u8; 3]) -> Image {
    Image { width: 90, height: 70, rgb: (0..90 * 70).flat_map(pixel).collect() }
}

fn preprocess(run: &Run, flags: &[&str]) -> Output {
    run.sd(&[&["preprocess"][..], flags].concat())
}

/// Runs `sd preprocess NAME in.png out.png` with flags.
#[track_caller]
fn preprocessed(run: &Run, name: &str, flags: &[&str]) -> Image {
    let output = preprocess(run, &[&[name, "in.png", "out.png"][..], flags].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    Image::read(run.path("out.png")).unwrap()
}

fn white(image: &Image) -> usize {
    image.rgb.chunks(3).filter(|pixel| *pixel == [255; 3]).count()
}

#[test]
fn edges_are_white_on_black_in_the_size_of_the_image() {
    let run = folder();
    let edges = preprocessed(&run, "canny", &[]);
    assert_eq!((edges.width, edges.height), (90, 70));
    // The outline of the square, perhaps without its corners.
    assert!((112..=120).contains(&white(&edges)), "{}", white(&edges));
    assert_eq!(preprocessed(&run, "canny:100:200", &["--width", "90"]), edges);
    assert_eq!(white(&preprocessed(&run, "invert", &[])), 0);
    assert_eq!(preprocessed(&run, "none", &[]), Image::read(run.path("in.png")).unwrap());
}

#[test]
fn every_listed_preprocessor_writes_an_image() {
    let run = folder();
    let help = stdout(&preprocess(&run, &["--help"]));
    let (_, list) = help.split_once("Preprocessors, with their numbers:\n").unwrap();
    let names: Vec<&str> = list.lines().map_while(|line| line.strip_prefix("  ")?.split([' ', '[']).next()).collect();
    assert!(names.len() >= 12 && names.contains(&"canny") && names.contains(&"none"), "{names:?}");
    for name in names {
        let mask: &[&str] = if name == "inpaint" { &["--mask", "mask.png"] } else { &[] };
        let image = preprocessed(&run, name, &[&["--width", "64", "--height", "128"], mask].concat());
        assert_eq!((image.width, image.height), (64, 128), "{name}");
    }
    assert_eq!(run.files(), ["in.png", "mask.png", "out.png"]);
}

#[test]
fn the_image_is_brought_to_the_size_of_the_drawing_first() {
    let run = folder();
    let size = ["--width", "180", "--height", "180"];
    for how in ["crop", "stretch", "pad"] {
        let fitted = preprocessed(&run, "none", &[&size[..], &["--resize", how]].concat());
        fitted.save(run.path("fitted.png")).unwrap();
        let edges = preprocessed(&run, "canny", &[&size[..], &["--resize", how]].concat());
        let output = preprocess(&run, &["canny", "fitted.png", "later.png"]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(Image::read(run.path("later.png")).unwrap(), edges, "{how}");
        assert!(white(&edges) > 200, "{how}");
    }
}

#[test]
fn what_a_network_is_to_draw_is_black() {
    let run = folder();
    let hint = preprocessed(&run, "inpaint", &["--mask", "mask.png"]);
    let old = Image::read(run.path("in.png")).unwrap();
    for ((new, old), i) in hint.rgb.chunks(3).zip(old.rgb.chunks(3)).zip(0..) {
        assert_eq!(new, if i % 90 < 45 { &[0; 3] } else { old }, "{i}");
    }
    let rgba = old.rgb.chunks(3).zip(0..).flat_map(|(pixel, i)| [pixel, &[if i % 90 < 45 { 0 } else { 255 }]].concat());
    let rgba: Vec<u8> = rgba.collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 90, 70);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().unwrap().write_image_data(&rgba).unwrap();
    std::fs::write(run.path("in.png"), file).unwrap();
    assert_eq!(preprocessed(&run, "inpaint", &["--mask", "alpha"]), hint);
}

#[test]
fn images_pass_through_pipes() {
    let run = folder();
    preprocessed(&run, "scribble", &[]);
    let mut command = run.command(&["preprocess", "scribble_xdog", "-", "/dev/stdout"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&run.read("in.png")).unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, run.read("out.png"));
    let output = preprocess(&run, &["blur:2", "in.png", "out.png", "--progress", "json"]);
    assert!(stdout(&output).contains(r#""file":"out.png""#), "{}", stdout(&output));
}

#[test]
fn what_cannot_be_preprocessed_is_refused_with_what_to_do() {
    let run = folder();
    let small = Mask { width: 2, height: 1, values: vec![0, 255] };
    small.to_image().save(run.path("small.png")).unwrap();
    let before = run.files();
    for (flags, code, expected) in [
        (vec!["depth", "in.png", "out.png"], 2, "`depth` needs a network of its own"),
        (vec!["openpose_full", "in.png", "out.png"], 2, "make its image with another program and use it with `none`"),
        (vec!["lineart_anime", "in.png", "out.png"], 2, "or take `lineart-standard`"),
        (vec!["cany", "in.png", "out.png"], 2, "unknown preprocessor `cany`: there are none, canny, "),
        (vec!["canny:200:100", "in.png", "out.png"], 2, "swap them"),
        (vec!["blur:-1", "in.png", "out.png"], 2, "above 0 and up to 64"),
        (vec!["canny", "in.png", "out.gif"], 2, "OUT out.gif: images are PNG, JPEG or WebP files"),
        (vec!["canny", "none.png", "out.png"], 1, "none.png: "),
        (vec!["canny", "in.png", "none/out.png"], 1, "OUT none/out.png: there is no folder none"),
        (vec!["canny", "in.png", "out.png", "--width", "0"], 2, "--width"),
        (vec!["canny", "in.png", "out.png", "--height", "70000"], 2, "--height"),
        (vec!["inpaint", "in.png", "out.png"], 2, "`inpaint` needs a --mask: white is the part to draw"),
        (vec!["canny", "in.png", "out.png", "--mask", "mask.png"], 2, "`canny` uses no --mask: leave it out"),
        (vec!["inpaint", "in.png", "out.png", "--mask", "small.png"], 2, "the --mask is 2×1, but the image is 90×70"),
        (vec!["inpaint", "in.png", "out.png", "--mask", "none.png"], 1, "--mask none.png: "),
        (vec!["inpaint", "in.png", "out.png", "--mask", "alpha"], 2, "--mask alpha: IN has no transparent part"),
    ] {
        let output = preprocess(&run, &flags);
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {error}");
        assert!(error.starts_with("error: ") && error.contains(expected), "{flags:?}: {error}");
        // Those of the parser of flags have a hint below.
        assert!(error.lines().count() == 1 || error.contains("try '--help'"), "{error}");
        assert_eq!(run.files(), before, "{flags:?}");
    }
}
