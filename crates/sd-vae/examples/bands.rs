//! Measures decoding and encoding of large images, whole and in bands, with the autoencoder of Stable Diffusion.
//!
//! Run `cargo run --release -p sd-vae --example bands -- decode|encode whole|bands|both WIDTHxHEIGHT`. Weights are random. Memory is
//! the peak beside the weights. `both` begins with bands, which peak lower, and also prints the largest difference, of 255 if the
//! values are scaled to fill −1 to 1.

#![allow(clippy::print_stdout, reason = "the printed figures are the purpose")]

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use sd_vae::{Autoencoder, AutoencoderKlConfig};

fn main() {
    // As in the program.
    sd_ops::one_heap();
    sd_ops::keep_memory();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, way, size] = [0, 1, 2].map(|i| words.get(i).map_or("", String::as_str));
    let sides: Option<Vec<usize>> = size.split('x').map(|side| side.parse().ok()).collect();
    let Some([width, height]) = sides.and_then(|sides| <[usize; 2]>::try_from(sides).ok()) else {
        panic!("decode|encode whole|bands|both WIDTHxHEIGHT");
    };
    let device = Device::flex();
    device.seed(1);
    let vae: Box<dyn Autoencoder> = Box::new(AutoencoderKlConfig::sd().init(&device));
    let random = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    let image = |[width, height]: [usize; 2]| random([1, 3, height, width]);
    let latents = |[width, height]: [usize; 2]| random([1, 4, height / 8, width / 8]);
    let run = |in_bands: bool, size: [usize; 2]| match (what, in_bands) {
        ("encode", false) => vae.encode(image(size)).mean,
        ("encode", true) => vae.encode_in_bands(image(size)).mean,
        (_, false) => vae.decode(latents(size)),
        (_, true) => vae.decode_in_bands(latents(size)),
    };
    // Draws the weights.
    run(false, [16, 16]);
    let before = status("VmRSS");
    let measured = |in_bands: bool| {
        device.seed(2);
        let (start, busy) = (Instant::now(), processor_seconds());
        let output = run(in_bands, [width, height]);
        let (seconds, busy) = (start.elapsed().as_secs_f64(), processor_seconds() - busy);
        let peak = (status("VmHWM") - before) * 1024.0 / 1e9;
        let way = if in_bands { "bands" } else { "whole" };
        println!("{what} {way} {size}: {seconds:.1} s, {busy:.1} s of all processors, {peak:.3} GB");
        output
    };
    let bands = (way != "whole").then(|| measured(true));
    let whole = (way != "bands").then(|| measured(false));
    if let (Some(bands), Some(whole)) = (bands, whole) {
        let largest = |x: Tensor<4>| x.abs().max().into_scalar::<f32>();
        println!("{what} {size}: {:.4} of 255 apart", 127.5 * largest(bands - whole.clone()) / largest(whole));
    }
}

/// Returns a figure of this process in KiB, which the system calls kB.
fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find(|line| line.starts_with(name)).expect("a line for each figure");
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse().ok()).expect("a number of kB")
}

/// Returns the time that all threads of this process have run.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = text.rsplit(')').next().expect("fields after the name").split_whitespace();
    // User and system time, in hundredths of a second.
    fields.skip(11).take(2).map(|field| field.parse::<f64>().expect("a number")).sum::<f64>() / 100.0
}
