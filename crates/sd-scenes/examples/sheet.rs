//! Draws 36 samples on a sheet and prints their captions.
//!
//! `cargo run --example sheet -- OUT.png [PIXELS] [ZOOM] [SEED]`
#![allow(clippy::print_stdout, reason = "the captions are the output")]

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

use sd_scenes::{Sample, Split};

/// Samples in a row and in a column.
const SIDE: usize = 6;
/// Pixels between images.
const MARGIN: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let out = args.next().ok_or("usage: sheet OUT.png [PIXELS] [ZOOM] [SEED]")?;
    let mut number = |default: u64| args.next().map_or(Ok(default), |arg| arg.parse());
    let (pixels, zoom, seed) = (number(64)? as usize, number(1)? as usize, number(0)?);

    let samples: Vec<Sample> =
        (0..(SIDE * SIDE) as u64).map(|index| Split::Train.sample(index, seed, pixels)).collect();
    for sample in &samples {
        println!("{}", sample.caption);
    }
    let step = pixels * zoom + MARGIN;
    let width = SIDE * step + MARGIN;
    let sheet: Vec<u8> = (0..width * width).flat_map(|at| dot(&samples, at % width, at / width, step, zoom)).collect();

    let mut encoder = png::Encoder::new(BufWriter::new(File::create(&out)?), width as u32, width as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    encoder.write_header()?.write_image_data(&sheet)?;
    Ok(())
}

/// Returns a dot of the sheet: of an image, or white between images.
fn dot(samples: &[Sample], x: usize, y: usize, step: usize, zoom: usize) -> [u8; 3] {
    let (column, row) = (x / step, y / step);
    let inside = (x % step).checked_sub(MARGIN).zip((y % step).checked_sub(MARGIN));
    match (inside, samples.get(row * SIDE + column)) {
        (Some((x, y)), Some(Sample { image, .. })) if column < SIDE => {
            let at = (y / zoom * image.pixels + x / zoom) * 3;
            [image.rgb[at], image.rgb[at + 1], image.rgb[at + 2]]
        }
        _ => [255; 3],
    }
}
