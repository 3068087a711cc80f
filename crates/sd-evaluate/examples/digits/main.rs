//! Tables 1 and 2 of Song et al. 2021 (DDIM) on real data, handwritten digits. No run is in the docs yet.
//!
//! ```sh
//! python crates/sd-evaluate/examples/digits/digits.py digits
//! sd train crates/sd-evaluate/examples/digits/digits.toml
//! cargo run --release -p sd-evaluate --example digits -- digits MODEL OUT IMAGES
//! ```
//!
//! draws IMAGES images for each cell of table 1 and writes `report.md`, `sheet.png`, the classifier and the images into OUT. What is
//! there already is not made again, so the program can be stopped, and run again for more images.

#![allow(clippy::print_stdout, reason = "the progress is the output")]

mod cells;
mod classifier;
mod digits;
mod distances;
mod recognising;
mod reconstruction;
mod report;
mod sheet;

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;

use sd_pipeline::{DType, Device, Pipeline};

use self::digits::Digits;
use self::distances::Distances;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, model, out, images] = &arguments[..] else { return Err("DIGITS MODEL OUT IMAGES".into()) };
    let (folder, out, images) = (Path::new(folder), Path::new(out), images.parse()?);
    let (train, held_out) = (Digits::read(&folder.join("train"))?, Digits::read(&folder.join("held-out"))?.shuffled());
    if !(sheet::COLUMNS..=held_out.images.len()).contains(&images) {
        let (least, most) = (sheet::COLUMNS, held_out.images.len());
        return Err(
            format!("{images} images, expected {least} for the sheet to {most}, as many held-out digits").into()
        );
    }
    fs::create_dir_all(out)?;

    let device = Device::flex();
    let classifier = recognising::trained(&train, &out.join("classifier"), &device)?;
    let accuracy = classifier.accuracy(&held_out);
    println!("the classifier reads {:.1} % of the held-out digits", 100.0 * accuracy);

    let pipeline = Pipeline::open(model, &device, DType::F32)?;
    cells::draw_all(&pipeline, out, images)?;
    let reconstruction = reconstruction::errors(&pipeline, &held_out, &out.join("reconstruction.json"))?;
    let distances = Distances::measure(&classifier, [&train, &held_out], out, images)?;
    fs::write(out.join("report.md"), report::report(accuracy, &distances, &reconstruction))?;
    sheet::sheet(&held_out, out)?.save(out.join("sheet.png"))?;
    println!("{} is written", out.join("report.md").display());
    Ok(())
}
