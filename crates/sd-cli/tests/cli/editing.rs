//! Images that begin with an image.

use std::io::Write;
use std::process::Stdio;
use std::sync::LazyLock;

use sd_golden::{Kind, TinyModel, write_upscaler};
use sd_pipeline::{Image, Mask};

use crate::{MODEL, Run, assert_drawn, stderr, stdout};

static REFINER: LazyLock<TinyModel> = LazyLock::new(|| TinyModel::new(Kind::Refiner));
static XL: LazyLock<TinyModel> = LazyLock::new(|| TinyModel::new(Kind::Sdxl));

/// An image of gradients, no size of which is a multiple of 8.
fn image() -> Image {
    let (width, height) = (45, 37);
    let pixel = |i: usize| [i % width * 5, i / width * 6, 200 - i % width].map(|value| value as u8);
    Image { width, height, rgb: (0..width * height).flat_map(pixel).collect() }
}

/// A run with an image, and a mask of a rectangle in it.
fn run() -> Run {
    let run = Run::new();
    image().save(run.path("in.png")).unwrap();
    save_mask(&run, "mask.png", &mask());
    run
}

fn mask() -> Mask {
    let mut mask = Mask::black(45, 37);
    mask.paste(&Mask { width: 20, height: 12, values: vec![255; 240] }, 14, 11);
    mask
}

fn save_mask(run: &Run, name: &str, mask: &Mask) {
    mask.to_image().save(run.path(name)).unwrap();
}

/// `sd generate` from the image, in four steps with a seed.
fn edit(run: &Run, flags: &[&str]) -> std::process::Output {
    let model = MODEL.path().to_str().unwrap();
    let all =
        ["generate", "--model", model, "--prompt", "a house", "--steps", "4", "--seed", "1", "--init-image", "in.png"];
    run.sd(&[&all[..], flags].concat())
}

fn drawn(run: &Run, name: &str) -> Image {
    Image::read(run.path(name)).unwrap()
}

fn size(image: &Image) -> (usize, usize) {
    (image.width, image.height)
}

#[test]
fn an_image_keeps_its_size_down_to_a_multiple_of_8() {
    let run = run();
    assert_drawn(&edit(&run, &[]));
    assert_eq!(size(&drawn(&run, "out.png")), (40, 32));
    assert_drawn(&edit(&run, &["--width", "48", "--height", "64", "--resize", "pad"]));
    assert_eq!(size(&drawn(&run, "out.png")), (48, 64));
}

/// With the built-in model, whose autoencoder can reconstruct an image.
#[cfg(feature = "scenes")]
#[test]
fn less_strength_keeps_more_of_an_image() {
    let run = Run::new();
    let draw = |flags: &[&str]| {
        assert_drawn(&run.sd(&[&["generate", "--steps", "12", "--seed", "3"][..], flags].concat()));
        drawn(&run, "out.png").rgb
    };
    let first = draw(&["--prompt", "a red house by the sea at sunset"]);
    std::fs::rename(run.path("out.png"), run.path("first.png")).unwrap();
    let changes = ["0.1", "0.5", "1"].map(|strength| {
        let new =
            draw(&["--prompt", "a tree in a desert at night", "--init-image", "first.png", "--strength", strength]);
        new.iter().zip(&first).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / first.len() as f64
    });
    assert!(changes[0] < 8.0 && changes[0] * 2.0 < changes[1] && changes[1] * 1.5 < changes[2], "{changes:?}");
}

#[test]
fn an_image_comes_from_standard_input_too() {
    let run = run();
    assert_drawn(&edit(&run, &["--output", "file.png"]));
    let model = MODEL.path().to_str().unwrap();
    let flags =
        ["generate", "--model", model, "--prompt", "a house", "--steps", "4", "--seed", "1", "--init-image", "-"];
    let mut child = run.command(&flags).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&run.read("in.png")).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(run.read("out.png"), run.read("file.png"));
}

#[test]
fn outside_a_mask_the_bytes_of_the_image_stay() {
    let run = run();
    for flags in [
        &["--mask", "mask.png"][..],
        &["--mask", "mask.png", "--mask-blur", "2"],
        &["--mask", "mask.png", "--fill", "blur"],
        &["--mask", "mask.png", "--fill", "noise", "--strength", "0.9"],
        &["--mask", "mask.png", "--fill", "zero", "--strength", "1"],
        &["--mask", "mask.png", "--only-masked", "4", "--width", "32", "--height", "32"],
        &["--mask", "mask.png", "--only-masked", "--mask-blur", "1.5", "--width", "48", "--height", "32"],
    ] {
        assert_drawn(&edit(&run, flags));
        let (new, old) = (drawn(&run, "out.png"), image());
        assert_eq!(size(&new), size(&old), "{flags:?}");
        let blur = flags.iter().position(|flag| *flag == "--mask-blur").map_or(0.0, |i| flags[i + 1].parse().unwrap());
        let mask = mask().blur(blur);
        let pixels = new.rgb.chunks(3).zip(old.rgb.chunks(3)).zip(&mask.values);
        let changed = |inside: bool| {
            let counted = pixels.clone().filter(|(_, value)| (**value > 0) == inside);
            counted.filter(|((new, old), _)| new != old).count()
        };
        assert_eq!(changed(false), 0, "{flags:?}");
        assert!(changed(true) > 200, "{flags:?}: {}", changed(true));
    }
    assert_drawn(&edit(&run, &["--mask", "mask.png", "--invert-mask", "--output", "inverted.png"]));
    let (new, old) = (drawn(&run, "inverted.png"), image());
    let kept = new.rgb.chunks(3).zip(old.rgb.chunks(3)).zip(mask().values).filter(|(_, value)| *value == 255);
    assert_eq!(kept.filter(|((new, old), _)| new != old).count(), 0);
}

#[test]
fn a_black_mask_changes_nothing() {
    let run = run();
    save_mask(&run, "black.png", &Mask::black(45, 37));
    assert_drawn(&edit(&run, &["--mask", "black.png", "--mask-blur", "3"]));
    assert_eq!(drawn(&run, "out.png"), image());
}

#[test]
fn the_transparent_part_is_a_mask() {
    let run = run();
    let rgba = image()
        .rgb
        .chunks(3)
        .zip(&mask().values)
        .flat_map(|(rgb, value)| [rgb[0], rgb[1], rgb[2], 255 - value])
        .collect();
    save_rgba(&run, "clear.png", rgba);
    assert_drawn(&edit(&run, &["--mask", "mask.png", "--output", "a.png"]));
    assert_drawn(&edit(&run, &["--init-image", "clear.png", "--mask", "alpha", "--output", "b.png"]));
    assert_eq!(drawn(&run, "a.png"), drawn(&run, "b.png"));
}

fn save_rgba(run: &Run, name: &str, rgba: Vec<u8>) {
    let file = std::fs::File::create(run.path(name)).unwrap();
    let mut encoder = png::Encoder::new(file, 45, 37);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().unwrap().write_image_data(&rgba).unwrap();
}

#[test]
fn an_extended_image_has_the_old_one_inside() {
    let run = run();
    assert_drawn(&edit(&run, &["--outpaint", "3,8,0,16"]));
    let new = drawn(&run, "out.png");
    assert_eq!(size(&new), (45 + 24, 37 + 3));
    for y in 0..37 {
        assert_eq!(new.rgb[3 * ((y + 3) * 69 + 16)..][..3 * 45], image().rgb[3 * y * 45..][..3 * 45], "row {y}");
    }
}

#[test]
fn a_variation_goes_from_one_seed_to_another() {
    let run = Run::new();
    let draw = |flags: &[&str]| {
        assert_drawn(&run.generate(flags));
        drawn(&run, "out.png").rgb
    };
    let [first, second] = [draw(&["--seed", "1"]), draw(&["--seed", "2"])];
    let varied = |strength| draw(&["--seed", "1", "--variation-seed", "2", "--variation-strength", strength]);
    assert_eq!(varied("0"), first);
    assert_eq!(varied("1"), second);
    let between = varied("0.3");
    assert!(between != first && between != second);
    let plan = run.generate(&["--variation-seed", "2", "--variation-strength", "0.3", "--plan"]);
    assert!(stdout(&plan).contains("0.3 of seed 2"), "{}", stdout(&plan));
}

#[test]
fn a_second_pass_is_larger() {
    let run = Run::new();
    write_upscaler("old-x4", &run.path("x4.safetensors"));
    for (flags, expected) in [
        (&["--hires", "2"][..], (64, 64)),
        (&["--hires", "1.8", "--hires-upscaler", "latent", "--hires-steps", "3"], (56, 56)),
        (&["--hires", "2", "--hires-upscaler", "x4.safetensors"], (64, 64)),
        (&["--hires", "48x64", "--hires-upscaler", "latent-antialiased", "--hires-strength", "1"], (48, 64)),
    ] {
        assert_drawn(&run.generate(&[&["--seed", "1"][..], flags].concat()));
        assert_eq!(size(&drawn(&run, "out.png")), expected);
    }
    let text = String::from_utf8_lossy(&run.read("out.png")).into_owned();
    assert!(text.contains("Hires resize: 48x64, Hires steps: 2, Hires upscaler: Latent (antialiased)"), "{text}");
}

#[test]
fn second_passes_that_cannot_be_drawn() {
    let run = Run::new();
    for (flags, words) in [
        (&["--hires", "50x64"][..], &["--hires 50×64", "multiples of 8"][..]),
        (&["--hires", "2", "--hires-strength", "0"], &["--hires-strength 0", "above 0"]),
        (&["--hires", "2", "--hires-steps", "0"], &["0 steps"]),
        (&["--hires", "2", "--hires-upscaler", "none.pth"], &["--hires-upscaler none.pth"]),
        (&["--refiner", "none"], &["none", "no such folder or file"]),
    ] {
        assert_refused(&run, &run.generate(flags), words);
    }
}

#[test]
fn an_image_in_bands_is_the_whole_one() {
    let run = Run::new();
    for (way, name) in [("on", "bands.png"), ("off", "whole.png")] {
        let size = ["--width", "64", "--height", "96"];
        assert_drawn(&run.generate(&[&["--seed", "1", "--vae-tiling", way, "--output", name][..], &size].concat()));
    }
    let (bands, whole) = (drawn(&run, "bands.png"), drawn(&run, "whole.png"));
    assert!(bands.rgb.iter().zip(&whole.rgb).all(|(a, b)| a.abs_diff(*b) <= 1));
    let plan = run.generate(&["--vae-tiling", "on", "--plan"]);
    assert!(stdout(&plan).contains("in bands of rows"), "{}", stdout(&plan));
}

/// The mean difference between the first and the last row.
#[cfg(feature = "scenes")]
fn seam(image: &Image) -> f64 {
    let row = |y: usize| &image.rgb[3 * y * image.width..][..3 * image.width];
    let differences = row(0).iter().zip(row(image.height - 1)).map(|(a, b)| f64::from(a.abs_diff(*b)));
    differences.sum::<f64>() / (3 * image.width) as f64
}

/// With the built-in model: the sky is nothing like the meadow, unless the image continues from one to the other.
#[cfg(feature = "scenes")]
#[test]
fn a_seamless_image_continues_at_its_edges() {
    let run = Run::new();
    let seams = [&[][..], &["--seamless", "y"], &["--seamless", "both"]].map(|flags| {
        let all =
            [&["generate", "--steps", "12", "--seed", "2", "--prompt", "a red house in a meadow"][..], flags].concat();
        assert_drawn(&run.sd(&all));
        seam(&drawn(&run, "out.png"))
    });
    assert!(2.0 * seams[1] < seams[0] && 2.0 * seams[2] < seams[0], "{seams:?}");
}

#[test]
fn the_refiner_makes_the_last_steps() {
    let run = Run::new();
    let refiner = REFINER.path().to_str().unwrap();
    let draw = |flags: &[&str]| {
        let all = [&["--steps", "10", "--seed", "1"][..], flags].concat();
        assert_drawn(&run.generate_with(XL.path(), &all));
        drawn(&run, "out.png").rgb
    };
    let (alone, refined) = (draw(&[]), draw(&["--refiner", refiner]));
    assert_ne!(alone, refined);
    assert_ne!(draw(&["--refiner", refiner, "--refiner-start", "0.5"]), refined);
    // The refiner alone changes an image, too.
    let output = run.generate_with(REFINER.path(), &["--steps", "10", "--init-image", "out.png", "--strength", "0.3"]);
    assert_drawn(&output);
    let refused = run.generate_with(XL.path(), &["--refiner", refiner, "--refiner-start", "1"]);
    assert!(stderr(&refused).starts_with("error: --refiner-start 1: a number between 0 and 1"), "{}", stderr(&refused));
}

#[track_caller]
fn assert_refused(run: &Run, output: &std::process::Output, words: &[&str]) {
    let message = stderr(output);
    assert!(!output.status.success() && message.trim_end().lines().count() == 1, "{message}");
    assert!(
        message.starts_with("error: ") && words.iter().all(|word| message.contains(word)),
        "{words:?} in {message}"
    );
    assert!(!run.path("out.png").exists());
}

#[test]
fn images_that_cannot_be_changed() {
    let run = run();
    save_mask(&run, "small.png", &Mask::black(32, 32));
    std::fs::write(run.path("text.png"), "no image").unwrap();
    let whole = run.read("in.png");
    std::fs::write(run.path("cut.png"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(run.path("huge.png"), huge_png()).unwrap();
    for (flags, words) in [
        (&["--strength", "0"][..], &["--strength 0", "above 0"][..]),
        (&["--strength", "1.5"], &["--strength 1.5", "up to 1"]),
        (&["--strength", "nan"], &["--strength NaN"]),
        (&["--strength", "0.2"], &["--strength 0.2", "no step is left of 4", "0.250"]),
        (&["--mask", "small.png"], &["--mask is 32×32", "the image is 45×37"]),
        (&["--mask", "alpha"], &["--mask alpha", "no transparent part"]),
        (&["--mask", "none.png"], &["--mask none.png"]),
        (&["--mask", "small.png", "--only-masked"], &["--mask is 32×32"]),
        (&["--mask", "mask.png", "--mask-blur", "-1"], &["--mask-blur -1"]),
        (&["--init-image", "none.png"], &["--init-image none.png"]),
        (&["--init-image", "text.png"], &["--init-image text.png", "not a PNG, JPEG or WebP"]),
        (&["--init-image", "cut.png"], &["--init-image cut.png"]),
        (&["--init-image", "huge.png"], &["--init-image huge.png", "60000"]),
        (&["--outpaint", "0,18446744073709551615,0,9"], &["--outpaint 0,18446744073709551615,0,9", "more than"]),
        (&["--outpaint", "0,0,99999999999,0"], &["--outpaint 0,0,99999999999,0", "more than"]),
        (&["--steps", "99999999999999999", "--schedule", "karras"], &["--steps 99999999999999999", "at most 1000000"]),
        (&["--image-guidance", "1.5"], &["--image-guidance", "InstructPix2Pix"]),
        (&["--depth", "mask.png"], &["--depth", "depth-to-image"]),
        (&["--width", "33"], &["--width 33", "multiple of 8"]),
    ] {
        assert_refused(&run, &edit(&run, flags), words);
    }
    let run = self::run();
    let words = &["--mask needs the image", "--init-image"];
    assert_refused(&run, &run.generate(&["--mask", "mask.png"]), words);
    assert_refused(&run, &run.generate(&["--outpaint", "8,8,8,8"]), &["--outpaint needs the image"]);
    assert_refused(&run, &run.generate(&["--strength", "0.5"]), &["--strength 0.5", "no --init-image"]);
    let pixels = TinyModel::ddpm();
    let flags =
        ["generate", "--model", pixels.path().to_str().unwrap(), "--init-image", "in.png", "--mask", "mask.png"];
    assert_refused(&run, &run.sd(&flags), &["--mask", "pixels"]);
}

#[test]
fn models_with_more_channels_need_what_they_read() {
    let run = run();
    for (channels, flags, words) in [
        (9, &["--init-image", "in.png"][..], &["--mask is missing", "--init-image"][..]),
        (8, &[], &["--init-image is missing", "instruction"]),
        (5, &["--init-image", "in.png"], &["--depth is missing"]),
        (7, &[], &["takes 7 channels", "9 (and a mask)"]),
    ] {
        let model = TinyModel::with_channels(Kind::Sd1, channels);
        assert_refused(&run, &run.generate_with(model.path(), flags), words);
    }
    let model = TinyModel::with_channels(Kind::Sd1, 9);
    let info = stdout(&run.sd(&["info", model.path().to_str().unwrap()]));
    assert!(info.contains("reads also  a mask and the rest of an image"), "{info}");
}

/// A PNG file that says it has 60000×60000 pixels, in a few bytes.
fn huge_png() -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1A\n".to_vec();
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let checksum = crc32(&[&kind[..], data].concat());
        [&(data.len() as u32).to_be_bytes()[..], kind, data, &checksum.to_be_bytes()].concat()
    };
    let mut header = [60_000_u32.to_be_bytes(), 60_000_u32.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    file.extend(chunk(b"IHDR", &header));
    file.extend(chunk(b"IDAT", &[]));
    file.extend(chunk(b"IEND", &[]));
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 })
    };
    !bytes.iter().fold(!0, step)
}
