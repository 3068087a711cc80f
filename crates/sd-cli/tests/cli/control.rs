//! Images that steer a drawing.

use std::process::Output;

use sd_golden::{Kind, TinyModel, write_control};
use sd_pipeline::Image;

use crate::{MODEL, Run, assert_drawn, stderr, stdout};

/// A run with an image of the size of a drawing, and these networks for the tiny model of 1.x.
fn run_with(networks: &[&str]) -> Run {
    let run = Run::new();
    for name in networks {
        write_control(Kind::Sd1, name, &run.path(""));
    }
    stripes(32, 32).save(run.path("stripes.png")).unwrap();
    run
}

fn run() -> Run {
    run_with(&["controlnet"])
}

fn stripes(width: usize, height: usize) -> Image {
    let value = |i: usize| if (i % width / 8).is_multiple_of(2) { 255 } else { 0 };
    Image { width, height, rgb: (0..width * height).flat_map(|i| [value(i); 3]).collect() }
}

/// `sd generate` with a model, in four steps with a seed, 32 pixels wide.
fn generate(run: &Run, flags: &[&str]) -> Output {
    let size = ["--steps", "4", "--seed", "1"];
    run.generate_with(MODEL.path(), &[&size[..], flags].concat())
}

fn drawn(run: &Run, flags: &[&str]) -> (Image, String) {
    let output = generate(run, flags);
    assert_drawn(&output);
    (Image::read(run.path("out.png")).unwrap(), stderr(&output))
}

#[test]
fn a_control_net_steers_and_can_be_turned_down() {
    let run = run();
    let (plain, _) = drawn(&run, &[]);
    let (controlled, _) = drawn(&run, &["--control", "model=controlnet,image=stripes.png"]);
    assert!(controlled != plain);
    let (weak, _) = drawn(&run, &["--control", "model=controlnet,image=stripes.png,scale=0"]);
    assert_eq!(weak, plain);
    let (early, _) = drawn(&run, &["--control", "model=controlnet,image=stripes.png,end=0.5"]);
    assert!(early != plain && early != controlled);
    let half = "model=controlnet,image=stripes.png,scale=0.5";
    assert_eq!(drawn(&run, &["--control", half, "--control", half]).0, controlled);
}

#[test]
fn modes_differ() {
    let run = run();
    let mut images = Vec::new();
    for mode in ["balanced", "prompt", "control"] {
        let control = format!("model=controlnet,image=stripes.png,mode={mode}");
        images.push(drawn(&run, &["--control", &control]).0);
    }
    images.push(drawn(&run, &["--control", "model=controlnet,image=stripes.png", "--guess-mode"]).0);
    for (i, image) in images.iter().enumerate() {
        assert!(!images[..i].contains(image), "{i}");
    }
}

#[test]
fn an_image_of_another_size_is_resized_and_told() {
    let run = run();
    stripes(80, 20).save(run.path("wide.png")).unwrap();
    let (_, told) = drawn(&run, &["--control", "model=controlnet,image=wide.png"]);
    assert!(told.contains("--control: the image of 80×20 is resized to 32×32"), "{told}");
    let (_, told) = drawn(&run, &["--control", "model=controlnet,image=stripes.png"]);
    assert!(!told.contains("resized"), "{told}");
}

#[test]
fn what_sd_preprocess_shows_is_what_the_network_reads() {
    let run = run();
    let output = run.sd(&["preprocess", "canny:40:90", "stripes.png", "edges.png"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let (made, _) = drawn(&run, &["--control", "model=controlnet,image=stripes.png,preprocess=canny:40:90"]);
    let (ready, _) = drawn(&run, &["--control", "model=controlnet,image=edges.png"]);
    assert_eq!(made, ready);
}

#[test]
fn the_initial_image_is_that_of_a_control_without_one() {
    let run = run();
    let start = ["--init-image", "stripes.png", "--strength", "0.5"];
    let with = |control: &str| drawn(&run, &[&start[..], &["--control", control]].concat()).0;
    assert_eq!(with("model=controlnet"), with("model=controlnet,image=stripes.png"));
}

#[test]
fn a_masked_part_and_a_second_pass_are_steered() {
    let run = run();
    let mask = (0..32 * 32).flat_map(|i| [if i % 32 < 16 { 255 } else { 0 }; 3]).collect();
    Image { width: 32, height: 32, rgb: mask }.save(run.path("mask.png")).unwrap();
    let start = ["--init-image", "stripes.png", "--mask", "mask.png", "--strength", "1"];
    let (plain, _) = drawn(&run, &start);
    for preprocess in ["none", "inpaint"] {
        let control = format!("model=controlnet,preprocess={preprocess}");
        let (image, _) = drawn(&run, &[&start[..], &["--control", &control]].concat());
        assert!(image != plain, "{preprocess}");
        // The right half keeps its bytes.
        let right = |image: &Image| -> Vec<u8> { image.rgb.chunks(96).flat_map(|row| row[48..].to_vec()).collect() };
        assert_eq!(right(&image), right(&stripes(32, 32)), "{preprocess}");
    }
    let told = |flags: &[&str]| drawn(&run, &[&start[..2], flags, &["--control", "model=controlnet"]].concat()).1;
    for flags in [&["--mask", "mask.png", "--only-masked", "2"][..], &["--outpaint", "0,16,0,0"]] {
        assert!(!told(flags).contains("resized"), "{flags:?}");
    }
    let hires = ["--hires", "2"];
    let (larger, _) = drawn(&run, &[&hires[..], &["--control", "model=controlnet,image=stripes.png"]].concat());
    assert_eq!((larger.width, larger.height), (64, 64));
    assert!(larger != drawn(&run, &hires).0);
}

/// The network is for the base model; the refiner goes on with what it has drawn.
#[test]
fn a_base_model_is_steered_before_its_refiner() {
    let run = run();
    let [base, refiner] = [Kind::Sdxl, Kind::Refiner].map(TinyModel::new);
    std::fs::create_dir(run.path("xl")).unwrap();
    write_control(Kind::Sdxl, "controlnet", &run.path("xl"));
    let drawn = |flags: &[&str]| {
        let passes = ["--steps", "5", "--seed", "1", "--refiner", refiner.path().to_str().unwrap()];
        assert_drawn(&run.generate_with(base.path(), &[&passes[..], flags].concat()));
        Image::read(run.path("out.png")).unwrap()
    };
    assert!(drawn(&["--control", "model=xl/controlnet,image=stripes.png"]) != drawn(&[]));
}

#[test]
fn the_plan_and_the_file_say_what_steered() {
    let run = run();
    let flags = ["--control", "model=controlnet,image=stripes.png,scale=0.8,end=0.75,mode=prompt"];
    let output = generate(&run, &[&flags[..], &["--plan"]].concat());
    let expected = "Module: none, Model: controlnet, Weight: 0.8, Guidance Start: 0, Guidance End: 0.75, Control Mode: My prompt is more important";
    assert!(stdout(&output).contains(&format!("controlnet 0     {expected}")), "{}", stdout(&output));
    let needs = stdout(&generate(&run, &[&flags[..], &["--dry-run"]].concat()));
    assert!(needs.contains("0.00 GB  of these are controlnet, which runs beside the U-Net at every step"), "{needs}");
    drawn(&run, &flags);
    let file = std::fs::read(run.path("out.png")).unwrap();
    assert!(String::from_utf8_lossy(&file).contains(&format!("ControlNet 0: \"{expected}\"")));
}

/// A step of four is too long for the window.
#[test]
fn what_has_no_effect_is_warned_about() {
    let run = run();
    let (_, told) = drawn(&run, &["--control", "model=controlnet,image=stripes.png,start=0.9"]);
    assert!(told.contains("--control: controlnet has no effect"), "{told}");
}

#[test]
fn mistakes_are_told_in_one_line() {
    let run = run();
    let xl = TinyModel::new(Kind::Sdxl);
    std::fs::create_dir(run.path("xl")).unwrap();
    write_control(Kind::Sdxl, "controlnet", &run.path("xl"));
    let file = "model=controlnet,image=stripes.png";
    for (control, expected) in [
        ("stripes.png", "expected KEY=VALUE"),
        ("image=stripes.png", "model= is missing"),
        (&format!("{file},strength=1"), "no key \"strength\""),
        (&format!("{file},scale=big"), "scale=big: expected a number"),
        (&format!("{file},scale=inf"), "finite number"),
        (&format!("{file},start=0.5,end=0.5"), "the start first"),
        (&format!("{file},mode=strong"), "mode=strong: expected balanced, prompt or control"),
        (&format!("{file},preprocess=depth"), "network"),
        (&format!("{file},preprocess=magic"), "magic"),
        (&format!("{file},preprocess=inpaint"), "mask"),
        (&format!("{file},type=depth"), "reads one kind of image only"),
        ("model=controlnet", "no image"),
        ("model=controlnet,image=none.png", "none.png"),
        ("model=none.bin,image=stripes.png", "none.bin"),
        ("model=stripes.png,image=stripes.png", "PNG image"),
        ("model=xl/controlnet,image=stripes.png", "Stable Diffusion XL"),
        (&format!("model={},image=stripes.png", MODEL.path().display()), "control network"),
    ] {
        let output = generate(&run, &["--control", control]);
        let told = stderr(&output);
        assert!(!output.status.success() && told.contains(expected), "{control}: {told}");
        assert!(told.contains("--control") && !told.contains("panicked"), "{control}: {told}");
    }
    let output = run.generate_with(xl.path(), &["--control", file]);
    assert!(stderr(&output).contains("for another U-Net than the model's"), "{}", stderr(&output));
    assert!(stderr(&generate(&run, &["--guess-mode"])).contains("--control"));
}

#[test]
fn adapters_and_image_prompts_steer_too() {
    let run = run_with(&["t2i", "t2i-gray", "ip", "ip-plus"]);
    stripes(50, 40).save(run.path("photo.png")).unwrap();
    let mut images = vec![drawn(&run, &[]).0];
    for flags in [
        &["--control", "model=t2i,image=stripes.png"][..],
        &["--control", "model=t2i-gray,image=stripes.png"],
        &["--control", "model=t2i,image=stripes.png", "--control", "model=t2i-gray,image=stripes.png,scale=0.5"],
        &["--image-prompt", "model=ip.safetensors,image=photo.png"],
        &["--image-prompt", "model=ip.safetensors,image=photo.png,image=stripes.png"],
        &["--image-prompt", "model=ip.safetensors,image=photo.png,layers=style"],
        &["--image-prompt", "model=ip-plus.safetensors,image=photo.png,scale=0.6,end=0.5"],
        &["--image-prompt", "model=ip-plus.safetensors,image=photo.png,mask=stripes.png,encoder=image_encoder"],
    ] {
        let (image, _) = drawn(&run, flags);
        assert!(!images.contains(&image), "{flags:?}");
        images.push(image);
    }
    let (none, _) = drawn(&run, &["--image-prompt", "model=ip.safetensors,image=photo.png,scale=0"]);
    assert_eq!(none, images[0]);
}

#[test]
fn an_image_prompt_without_its_encoder_says_what_to_give() {
    let run = run_with(&["ip"]);
    std::fs::remove_dir_all(run.path("image_encoder")).unwrap();
    for (prompt, expected) in [
        ("model=ip.safetensors,image=stripes.png", "encoder="),
        ("model=ip.safetensors", "image= is missing"),
        ("model=ip.safetensors,image=stripes.png,layers=colour", "all, style or composition"),
        ("model=ip.safetensors,image=stripes.png,encoder=none", "none"),
    ] {
        let output = generate(&run, &["--image-prompt", prompt]);
        let told = stderr(&output);
        assert!(!output.status.success() && told.contains(expected), "{prompt}: {told}");
        assert!(told.contains("--image-prompt") && !told.contains("panicked"), "{prompt}: {told}");
    }
}

/// The share of the edges of one image that another has, too, on the same pixel or beside it.
#[cfg(feature = "scenes")]
fn share_of_edges(of: &Image, found: &Image) -> f64 {
    let is_edge = |image: &Image| -> Vec<bool> {
        let edges = sd_preprocess::Preprocessor::Canny { low: 100, high: 200 }.apply(image);
        edges.rgb.chunks(3).map(|pixel| pixel[0] > 0).collect()
    };
    let (expected, found, width, height) = (is_edge(of), is_edge(found), of.width, of.height);
    let near = |i: usize| {
        let (x, y) = (i % width, i / width);
        let rows = y.saturating_sub(1)..(y + 2).min(height);
        rows.flat_map(|y| (x.saturating_sub(1)..(x + 2).min(width)).map(move |x| y * width + x)).any(|i| found[i])
    };
    let edges: Vec<usize> = (0..expected.len()).filter(|i| expected[*i]).collect();
    edges.iter().filter(|i| near(**i)).count() as f64 / edges.len() as f64
}

#[cfg(feature = "scenes")]
#[test]
fn the_built_in_model_follows_edges_with_its_own_network() {
    let run = Run::new();
    let generate = |prompt: &str, seed: &str, flags: &[&str]| {
        let all = ["generate", "--prompt", prompt, "--seed", seed, "--steps", "12", "--sampler", "dpm++2m"];
        assert_drawn(&run.sd(&[&all[..], flags].concat()));
        Image::read(run.path("out.png")).unwrap()
    };
    let houses = generate("two big pink houses, mountains, day", "0", &[]);
    houses.save(run.path("houses.png")).unwrap();
    let free = generate("a red house, desert, day", "9", &[]);
    let control = ["--control", "image=houses.png,preprocess=canny"];
    let steered = generate("a red house, desert, day", "9", &control);
    let [free, steered] = [free, steered].map(|image| share_of_edges(&houses, &image));
    assert!(steered > 0.7 && steered > free + 0.3, "{free:.2} without control, {steered:.2} with it");
    let output = run.generate_with(MODEL.path(), &["--control", "image=houses.png"]);
    assert!(stderr(&output).contains("--control model= is missing"), "{}", stderr(&output));
}
