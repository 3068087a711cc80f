//! Prompts for parts of the image, the sizes of XL, and models that read no text.

use std::sync::LazyLock;

use sd_golden::{Kind, TinyModel};
use sd_pipeline::Image;

use crate::{Run, stderr};

static XL: LazyLock<TinyModel> = LazyLock::new(|| TinyModel::new(Kind::Sdxl));

/// A run with a mask whose right half is white.
fn run() -> Run {
    let run = Run::new();
    let pixel = |i: usize| if i % 8 < 4 { [0; 3] } else { [255; 3] };
    Image { width: 8, height: 8, rgb: (0..64).flat_map(pixel).collect() }.save(run.path("half.png")).unwrap();
    run
}

#[test]
fn a_region_of_the_whole_image_takes_the_place_of_the_prompt() {
    let run = run();
    let whole = run.draw(&["--region", "0,0,32,32:a boat"]);
    assert!(whole.difference(&run.draw(&["--prompt", "a boat"])) <= 1);
    let mixed = run.draw(&["--region", "0,0,32,32:a boat:0.5"]);
    assert!(mixed.image != whole.image && mixed.image != run.draw(&[]).image);
}

#[test]
fn a_mask_is_a_region() {
    let run = run();
    let file = run.draw(&["--region", "half.png:a (boat:1.2)"]);
    assert!(file.difference(&run.draw(&["--region", "16,0,16,32:a (boat:1.2)"])) <= 1);
    assert_ne!(file.image, run.draw(&[]).image);
    // Regions and the parts of a prompt.
    let both = ["--prompt", "a house AND fog:0.2", "--region", "half.png:a [cat:dog:0.4]:0.5", "--region"];
    let both = run.draw(&[&both[..], &["0,0,24,24:a tree", "--hires", "2", "--pag", "1"]].concat());
    assert_eq!((both.image.width, both.warnings.as_str()), (64, ""));
}

#[test]
fn regions_that_do_not_fit() {
    let run = run();
    for (region, words) in [
        ("0,0,33,32:a boat", &["--region", "beyond the image", "32×32"][..]),
        ("32,0,8,8:a boat", &["--region", "32×32"]),
        ("0,0,0,8:a boat", &["--region", "is empty", "32×32"]),
        ("0,0,18446744073709551615,8:a boat", &["--region", "32×32"]),
        ("0,0,8,8:a boat:0", &["--region", "the weight 0", "above 0"]),
        ("0,0,8,8:a boat:nan", &["--region", "the weight NaN"]),
        ("0,0,8:a boat", &["--region", "X,Y,WIDTH,HEIGHT:PROMPT"]),
        ("a boat", &["--region", "X,Y,WIDTH,HEIGHT:PROMPT"]),
        ("-8,0,8,8:a boat", &["--region"]),
    ] {
        run.refuses(&["--region", region], words);
    }
    let output = run.generate(&["--region", "none.png:a boat"]);
    assert!(stderr(&output).starts_with("error: --region none.png: No such file"), "{}", stderr(&output));
}

#[test]
fn xl_reads_sizes_and_others_do_not() {
    let run = Run::new();
    let sizes = [
        ("--original-size", "512x256"),
        ("--crop", "16,8"),
        ("--target-size", "768x512"),
        ("--negative-original-size", "512x256"),
        ("--negative-crop", "16,8"),
        ("--negative-target-size", "768x512"),
    ];
    let xl = |flags: &[&str]| {
        let all = ["--seed", "1", "--guidance", "5", "--negative-prompt", "dull"];
        run.drawn(&run.generate_with(XL.path(), &[&all[..], flags].concat())).image
    };
    let mut images = vec![xl(&[])];
    for (flag, size) in sizes {
        images.push(xl(&[flag, size]));
        assert!(images[1..].iter().rev().skip(1).all(|image| image != images.last().unwrap()), "{flag}");
        assert!(images.last() != images.first(), "{flag}");
        run.refuses(&[flag, size], &[&format!("{flag} is for Stable Diffusion XL")]);
        run.refuses(&[flag, "big"], &[flag, "two whole numbers"]);
    }
    assert_eq!(xl(&["--original-size", "32x32", "--crop", "0,0", "--target-size", "32x32"]), images[0]);
}

#[test]
fn models_that_read_no_text_refuse_everything_about_it() {
    let (run, pixels) = (Run::new(), TinyModel::ddpm());
    for flags in [
        &["--prompt-syntax", "comfy"][..],
        &["--clip-skip", "1"],
        &["--clip-skip", "2"],
        &["--region", "0,0,8,8:a boat"],
        &["--original-size", "64x64"],
        &["--guidance-schedule", "7x5"],
        &["--guidance-interval", "0,0.5"],
        &["--guidance-rescale", "0.7"],
        &["--cfg-plus-plus"],
        &["--apg"],
        &["--pag", "3"],
        &["--sag", "0.75"],
        &["--freeu", "1.5,1.6,0.9,0.2"],
        &["--dynamic-threshold", "0.9"],
        &["--perp-neg"],
    ] {
        let all = ["generate", "--steps", "2", "--model", pixels.path().to_str().unwrap()];
        let output = run.sd(&[&all[..], flags].concat());
        let message = stderr(&output);
        assert_eq!((output.status.code(), message.trim_end().lines().count()), (Some(2), 1), "{flags:?}: {message}");
        assert!(message.starts_with(&format!("error: {} is for ", flags[0])), "{flags:?}: {message}");
        assert_eq!(run.files(), [""; 0]);
    }
}
